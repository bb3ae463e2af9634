-- Jobs newest first. Each queue gives its newest that match, from wherever they stand; of these the newest are taken.
with matching as materialized (
  select id as queue
  from queue
  where domain = :domain::text and type = :type::text
  union all
  select id
  from queue
  where (:domain is null or :type is null)
    and (:domain is null or domain = :domain)
    and (:type is null or type = :type)
),
page as materialized (
  select ready.id
  from matching
  cross join lateral (
    select id
    from waiting
    where (waiting.queue, waiting.id) < (matching.queue, coalesce(:after::bigint, 9223372036854775807))
      and waiting.queue >= matching.queue
      and run_at is null
      and (:state::text is null or :state = 'ready')
    order by waiting.queue desc, waiting.id desc
    limit :limit::integer
  ) as ready
  union all
  select scheduled.id
  from matching
  cross join lateral (
    select id
    from waiting
    where (waiting.queue, waiting.id) < (matching.queue, coalesce(:after::bigint, 9223372036854775807))
      and waiting.queue >= matching.queue
      and run_at is not null
      and (:state::text is null or :state = 'scheduled')
    order by waiting.queue desc, waiting.id desc
    limit :limit::integer
  ) as scheduled
  union all
  select id
  from claimed
  where queue in (select queue from matching)
    and id < coalesce(:after::bigint, 9223372036854775807)
    and (:state::text is null or :state = 'claimed')
  union all
  select finished.id
  from matching
  cross join (values ('done'), ('dead'), ('cancelled'), ('superseded')) as ending (state)
  cross join lateral (
    select id
    from finished
    where (finished.queue, finished.state, finished.id)
        < (matching.queue, ending.state, coalesce(:after::bigint, 9223372036854775807))
      and (finished.queue, finished.state) >= (matching.queue, ending.state)
      -- Said once more for the index, which has a condition on it.
      and finished.state = ending.state
      and (:state::text is null or :state = ending.state)
    order by finished.queue desc, finished.state desc, finished.id desc
    limit :limit::integer
  ) as finished
)
-- include stored_job
where job.id = any (array(select id from page order by id desc limit :limit::integer))
order by job.id desc
