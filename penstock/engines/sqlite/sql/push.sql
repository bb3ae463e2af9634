-- Store jobs, or raise the twins that are waiting already.

-- step: replay
select
    idempotency.domain,
    idempotency.key,
    idempotency.item,
    idempotency.fingerprint,
    idempotency.id,
    idempotency.deduplicated,
    idempotency.until
from json_each(:keys) as wanted
join idempotency
    on idempotency.domain = wanted.value ->> 0
    and idempotency.key = wanted.value ->> 1
    and idempotency.item = wanted.value ->> 2
where idempotency.until > :now

-- step: remember
insert into idempotency (domain, key, item, fingerprint, id, deduplicated, until)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, :until
from json_each(:records)
where true
on conflict (key, domain, item) do update
set fingerprint = excluded.fingerprint,
    id = excluded.id,
    deduplicated = excluded.deduplicated,
    until = excluded.until

-- The index decides who is the twin: whose key is there first, also within this batch.
-- step: key
insert into dedupe (queue, key, id)
select value ->> 0, value ->> 1, value ->> 2
from json_each(:keyed)
where true
on conflict do nothing

-- step: twin
select wanted.value ->> 2, dedupe.id
from json_each(:keyed) as wanted
join dedupe
    on dedupe.queue = wanted.value ->> 0
    and dedupe.key = wanted.value ->> 1
where dedupe.id <> wanted.value ->> 2

-- step: job
insert into job (
    id, queue, priority, max_attempts, delivery, pushed_at, dedupe_key,
    root_signature, root_timestamp, details, params
)
select
    value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, :now, value ->> 5,
    value ->> 6, value ->> 7, value ->> 8, value ->> 9
from json_each(:jobs)

-- Before raise: the row is found by the priority that the job has until then.
-- step: raise_ready
update ready
set rank = -raised.priority
from (
    select job.queue, -job.priority as rank, job.id, value ->> 1 as priority
    from json_each(:raises)
    join job
        on job.id = value ->> 0
    where value ->> 1 > job.priority
) as raised
where ready.queue = raised.queue
    and ready.rank = raised.rank
    and ready.id = raised.id

-- step: raise
update job
set priority = max(job.priority, raised.priority),
    root_signature = iif(raised.newer, raised.signature, job.root_signature),
    root_timestamp = iif(raised.newer, raised.timestamp, job.root_timestamp)
from (
    select
        twin.id,
        value ->> 1 as priority,
        value ->> 3 as signature,
        value ->> 4 as timestamp,
        value ->> 4 is not null
            and (twin.root_timestamp is null or value ->> 4 > twin.root_timestamp) as newer
    from json_each(:raises)
    join job as twin
        on twin.id = value ->> 0
) as raised
where job.id = raised.id

-- step: raise_scheduled
update scheduled
set run_at = min(scheduled.run_at, raised.run_at)
from (
    select job.queue, job.id, value ->> 2 as run_at
    from json_each(:raises)
    join job
        on job.id = value ->> 0
) as raised
where scheduled.queue = raised.queue
    and scheduled.id = raised.id
returning scheduled.id, scheduled.run_at
