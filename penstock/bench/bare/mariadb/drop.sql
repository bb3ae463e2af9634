drop database if exists :name
