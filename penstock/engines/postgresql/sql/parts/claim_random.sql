-- Jobs in random order: what stands behind twice as many random ids as are wanted, then the oldest, in case these were few.
thrown as materialized (
  select want.place, want.queue, want.floor, span.low + floor(random() * (span.high - span.low + 1))::bigint as id
  from want
  cross join lateral (
    select
      (
        select waiting.id
        from waiting
        where waiting.queue between want.queue and want.queue and waiting.run_at is null and waiting.id >= :since::bigint
        order by waiting.queue, waiting.id
        limit 1
      ) as low,
      (
        select waiting.id
        from waiting
        where waiting.queue between want.queue and want.queue and waiting.run_at is null
        order by waiting.queue desc, waiting.id desc
        limit 1
      ) as high
  ) as span
  cross join lateral generate_series(1, 2 * (want.most + want.skipped))
  where want.ordering = 'random' and span.low is not null
),
drawn as materialized (
  select thrown.place, hit.id, random() as rank
  from thrown
  cross join lateral (
    select waiting.id
    from waiting
    where (waiting.queue, waiting.id) >= (thrown.queue, thrown.id)
      and waiting.queue <= thrown.queue
      and waiting.run_at is null
      and waiting.priority >= thrown.floor
    order by waiting.queue, waiting.id
    limit 1
  ) as hit
  union all
  select want.place, oldest.id, 1 + random()
  from want
  cross join lateral (
    select waiting.id
    from waiting
    where waiting.queue between want.queue and want.queue
      and waiting.run_at is null
      and waiting.id >= :since::bigint
      and waiting.priority >= want.floor
      and want.ordering = 'random'
    order by waiting.queue, waiting.id
    limit want.most + want.skipped
  ) as oldest
),
chance as materialized (
  select place, id, min(rank) as rank
  from drawn
  group by place, id
),
by_chance as materialized (
  select want.place, want.ttl, want.keep, first.*
  from want
  cross join lateral (
    select found.*, tried.rank
    from (
      select chance.id, chance.rank
      from chance
      where chance.place = want.place
      order by chance.rank
    ) as tried
    cross join lateral (
      select waiting.*
      from waiting
      where waiting.id = tried.id and waiting.ready_at is not null
      for update skip locked
    ) as found
    limit want.most
    offset want.skipped
  ) as first
)
