-- The list of applied migrations is there.
create table if not exists migration (
  number integer primary key,
  name text not null,
  applied_at timestamptz not null default clock_timestamp()
)
