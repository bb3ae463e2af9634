create database :name character set utf8mb4
