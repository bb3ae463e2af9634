-- What a next release may add: a table, columns that whoever does not know them leaves out, an index.
create table if not exists next_note (
    job bigint not null primary key,
    note text not null
) engine = innodb default charset = utf8mb4 collate = utf8mb4_nopad_bin;

alter table job add column if not exists next_label varchar(255);

alter table finished add column if not exists next_count int not null default 0;

create index if not exists next_by_label on job (next_label);
