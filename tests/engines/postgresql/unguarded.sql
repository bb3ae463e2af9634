-- The functions of schema $1 that anybody may call, and that have names mean what the caller has them mean.
select proname
from pg_proc
where pronamespace = $1::text::regnamespace
  and has_function_privilege('public', oid, 'execute')
  and not exists (select from unnest(proconfig) as setting where setting like 'search_path=%')
order by proname
