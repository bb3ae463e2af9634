-- Push the follow-ups of the jobs in `leaving`. Before: `clock`, `leaving`. After: `followed`.
asked as materialized (
  select new.*, link.parent, link.parent as call, link.ending
  from
-- include new_jobs
  left join unnest(:parents::bigint[], :ons::text[]) with ordinality as link (parent, ending, place) using (place)
  where link.parent in (select place from leaving)
),
-- include push,
followed as materialized (
  select asked.parent as place,
    array_agg(answer.id order by asked.place) as ids,
    array_agg(asked.ending order by asked.place) as ons
  from asked
  join answer using (place)
  where not answer.conflict
  group by asked.parent
)
