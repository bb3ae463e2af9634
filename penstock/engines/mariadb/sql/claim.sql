-- Give a worker the first ready jobs of each wanted queue, and end those that a newer root superseded.

-- step: priority
insert ignore into moving (
    place, id, queue, priority, attempt, fence, since, keyed, rooted, span, keep, was, state
)
select
    :place, id, queue, -`rank`, attempt, fence, ready_at, keyed, rooted, :ttl, :keep, 'ready', 'claimed'
from ready force index (primary)
where queue = :queue
    and `rank` <= -:floor
    and not exists (
        select 1
        from queue
        where id = :queue
            and paused
    )
order by `rank`, id
limit :skipped, :most
for update skip locked

-- step: fifo
insert ignore into moving (
    place, id, queue, priority, attempt, fence, since, keyed, rooted, span, keep, was, state
)
select
    :place, id, queue, -`rank`, attempt, fence, ready_at, keyed, rooted, :ttl, :keep, 'ready', 'claimed'
from ready force index (by_id)
where queue = :queue
    and `rank` <= -:floor
    and not exists (
        select 1
        from queue
        where id = :queue
            and paused
    )
order by id
limit :skipped, :most
for update skip locked

-- In random order: what stands behind random ids, then the oldest, in case these were few.
-- step: span
select min(id), max(id)
from ready force index (by_id)
where queue = :queue

-- step: forget
truncate table thrown

-- step: throw
insert ignore into thrown (id, chance)
select id, rand()
from (
-- each union all
    (
        select id
        from ready force index (by_id)
        where queue = :queue
            and id >= :point
            and `rank` <= -:floor
        order by id
        limit :several
    )
-- then
) as found

-- step: oldest
insert ignore into thrown (id, chance)
select id, 1 + rand()
from ready force index (by_id)
where queue = :queue
    and `rank` <= -:floor
order by id
limit :enough

-- step: random
insert ignore into moving (
    place, id, queue, priority, attempt, fence, since, keyed, rooted, span, keep, was, state
)
select straight_join
    :place, ready.id, ready.queue, -ready.`rank`, ready.attempt, ready.fence, ready.ready_at, ready.keyed,
    ready.rooted, :ttl, :keep, 'ready', 'claimed'
from thrown
join ready force index (by_id)
    on ready.queue = :queue
    and ready.id = thrown.id
where not exists (
        select 1
        from queue
        where id = :queue
            and paused
    )
order by thrown.chance
limit :skipped, :most
for update skip locked

-- step: judge
update moving
straight_join job
    on job.id = moving.id
straight_join root
    on root.queue = moving.queue
    and root.signature = job.root_signature
set moving.state = if(moving.keep > 0, 'superseded', 'deleted')
where moving.rooted
    and moving.fence = 0
    and root.timestamp > job.root_timestamp
    and root.until > @now

-- step: superseded
select count(*)
from moving
where state <> 'claimed'

-- Where a job is superseded, the call goes on; all the others end here.
-- step: commit
if not exists (
    select 1
    from moving
    where state <> 'claimed'
)
then commit;
end if

-- Where one job is superseded, a whole generation often is. It goes by the hundreds, not by the limit of the claim.
-- step: generation
insert ignore into moving (
    place, id, queue, priority, attempt, fence, since, keyed, rooted, keep, was, state
)
select straight_join
    :place, ready.id, ready.queue, -ready.`rank`, ready.attempt, ready.fence, ready.ready_at, ready.keyed,
    ready.rooted, :keep, 'ready', if(:keep > 0, 'superseded', 'deleted')
from (
    select id
    from ready force index (by_id)
    where queue = :queue
    order by id
    limit :whole_batch
) as oldest
join ready force index (by_id)
    on ready.queue = :queue
    and ready.id = oldest.id
where ready.rooted
    and ready.fence = 0
    and ready.`rank` <= -:floor
    and exists (
        select 1
        from job
        join root
            on root.queue = job.queue
            and root.signature = job.root_signature
        where job.id = ready.id
            and root.timestamp > job.root_timestamp
            and root.until > @now
    )
limit :most
for update skip locked
