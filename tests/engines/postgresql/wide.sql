-- Needs the table of jobs for itself.
alter table job add column wide text;
