-- Hold jobs that were just taken out of ready or scheduled, whatever their queue says.
insert into claimed (id, queue, attempt, fence, worker, claimed_at, until)
select value ->> 0, value ->> 1, value ->> 2, value ->> 3, :worker, :now, :until
from json_each(:claims)
