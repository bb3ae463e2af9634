-- What a next release may add: a table, columns that whoever does not know them leaves out, an index.
create table next_note (job integer primary key, note text not null);

alter table job add column next_label text;

alter table finished add column next_count integer not null default 0;

create index next_by_label on job (next_label);
