-- Begins, and waits for whoever holds the jobs.
create table if not exists next_note (job bigint not null primary key, note text not null);

alter table job add column if not exists next_label varchar(255);
