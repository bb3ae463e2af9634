-- The runners whose time has not run out.
select worker, slots, types
from presence
where until > (
    select max(last_now, :host_now)
    from store
)
order by worker
