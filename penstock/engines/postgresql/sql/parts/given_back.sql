-- Line the jobs in `given_back` up again: ready, or scheduled where `after` is above zero. Before: `clock`, `given_back`.
lined_up as (
  insert into waiting (
    id, queue, priority, attempt, fence, run_at, ready_at, root_signature, root_timestamp, error
  )
  select id, queue, priority, attempt, fence,
    case when after > interval '0' then now + after end,
    case when after <= interval '0' then now end,
    root_signature, root_timestamp, error
  from given_back
  cross join clock
  order by id
),
tallied_back as (
  insert into tally (queue, claimed, dead, scheduled, ready)
  select queue,
    -count(*) filter (where was = 'claimed'),
    -count(*) filter (where was = 'dead'),
    count(*) filter (where after > interval '0'),
    count(*) filter (where after <= interval '0')
  from given_back
  group by queue
)
