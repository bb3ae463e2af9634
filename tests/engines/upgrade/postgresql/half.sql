-- Begins, and waits for whoever holds the jobs.
create table next_note (job bigint primary key, note text not null);

alter table job add column next_label text;
