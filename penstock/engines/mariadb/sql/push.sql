-- Store jobs, or raise the twins that are waiting already.

-- What is known before: the numbers of the queues, the time, and what was answered to the same keys.
-- step: queues
select domain, type, id
from queue
where (domain, type) in (
-- each
(:domain, :type)
-- then
)

-- step: new_queues
insert into queue (domain, type)
values
-- each
(:domain, :type)
-- then
on duplicate key update id = queue.id

-- step: known
select record, fingerprint, id, deduplicated, until
from idempotency
where record in (
-- each
:record
-- then
)

-- The server gives the rows of one statement ids without a gap.
-- step: job
insert into job (
    queue, priority, max_attempts, delivery, pushed_at, root_signature, root_timestamp, details, params
)
values
-- each
(:queue, :priority, :max_attempts, :delivery, @now, :root_signature, :root_timestamp, :details, :params)

-- step: first
set @first = last_insert_id()

-- step: stored
select last_insert_id(), @now

-- step: ready
insert into ready (queue, `rank`, id, ready_at, attempt, fence, keyed, rooted)
values
-- each
(:queue, -:priority, coalesce(:first, @first) + :offset, @now, 0, 0, :keyed, :rooted)

-- step: scheduled
insert into scheduled (id, queue, run_at, attempt, fence, keyed, rooted)
values
-- each
(coalesce(:first, @first) + :offset, :queue, coalesce(:run_at, @now + :delay), 0, 0, :keyed, :rooted)

-- The index decides who is the twin: whose key is there first. Either way the row is locked until the commit.
-- step: twin
insert into twin (queue, dedupe_key, id, told)
values
-- each
(:queue, :dedupe_key, :id, :told)
-- then
on duplicate key update id = twin.id

-- step: twins
select twin.queue, twin.dedupe_key, twin.id
from twin
where (twin.queue, twin.dedupe_key) in (
-- each
(:queue, :dedupe_key)
-- then
)

-- Twins as they wait; those that are scheduled cannot be promoted any more.
-- step: waiting
select job.id, job.priority, job.root_signature, job.root_timestamp, scheduled.run_at
from job
left join scheduled
    on scheduled.id = job.id
where job.id in (
-- each
:id
-- then
)
order by job.id
for update

-- step: drop
delete from job
where id in (
-- each
:id
-- then
)

-- step: raise_job
update job
set priority = :priority,
    root_signature = :root_signature,
    root_timestamp = :root_timestamp
where id = :id

-- step: raise_ready
update ready force index (by_id)
set `rank` = -:priority,
    rooted = :rooted
where queue = :queue
    and id = :id

-- step: raise_scheduled
update scheduled
set run_at = least(run_at, coalesce(:run_at, @now + :delay)),
    rooted = :rooted
where id = :id

-- step: make_ready
insert into ready (queue, `rank`, id, ready_at, attempt, fence, keyed, rooted)
select queue, -:priority, id, @now, attempt, fence, keyed, :rooted
from scheduled
where id = :id

-- step: leave_scheduled
delete from scheduled
where id = :id

-- step: forget
delete from idempotency
where until <= @now
    and record in (
-- each
:record
-- then
)

-- step: remember
insert into idempotency (record, fingerprint, id, deduplicated, until)
values
-- each
(:record, :fingerprint, coalesce(:first, @first) + :offset, :deduplicated, @now + :memory)

-- step: tally
insert into tally (queue, slot, pushed, scheduled, ready)
values
-- each
(:queue, connection_id() % 16, :pushed, :scheduled, :ready)
-- then
on duplicate key update
    pushed = tally.pushed + values(pushed),
    scheduled = tally.scheduled + values(scheduled),
    ready = tally.ready + values(ready)
