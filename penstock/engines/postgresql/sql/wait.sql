-- How often anybody was to be woken so far. It rises shortly before the commit that it tells of.
select case when is_called then last_value else 0 end as count
from wake
