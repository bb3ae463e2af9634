-- What of the jobs to push is known by its idempotency key, and which of them fall: what was asked for under one key
-- falls as a whole where one record of it is known with another fingerprint. Before: `clock`, and `asked`, the jobs with
-- their place and their `call`. After: `matched`.
recorded as materialized (
  select found.*
  from (
    select distinct domain, idempotency_key as key, item from asked where idempotency_key is not null
  ) as named
  cross join lateral (
    select idempotency.*
    from idempotency
    where idempotency.domain = named.domain
      and idempotency.key = named.key
      and idempotency.item = named.item
    limit 1
  ) as found
  where found.until > (select now from clock)
),
-- `request` is the place of the first job that was asked for with this one. A key that is used with two fingerprints at
-- once is contested: there it matters what of the one was stored before the other is judged.
asked_as_one as materialized (
  select asked.*,
    recorded.id as recorded_id,
    recorded.deduplicated as recorded_deduplicated,
    recorded.until as recorded_until,
    min(asked.place) over same_request as request,
    coalesce(bool_or(recorded.fingerprint <> asked.fingerprint) over same_request, false) as is_known_otherwise,
    min(asked.fingerprint) over same_key is distinct from max(asked.fingerprint) over same_key as is_contested
  from asked
  left join recorded
    on recorded.domain = asked.domain
    and recorded.key = asked.idempotency_key
    and recorded.item = asked.item
  window
    same_request as (partition by asked.call, asked.idempotency_key, asked.fingerprint),
    same_key as (partition by asked.idempotency_key)
),
contested as materialized (
  select idempotency_key as key, request, is_known_otherwise,
    row_number() over (partition by idempotency_key order by request) as turn
  from asked_as_one
  where is_contested and idempotency_key is not null
  group by idempotency_key, request, is_known_otherwise
),
-- One after the other: what fell stands in nobody's way.
fallen_in_turn as materialized (
  with recursive judged_in_turn as (
    select contested.key, 0::bigint as turn, array[]::bigint[] as fallen
    from contested
    where contested.turn = 1
    union all
    select contested.key, contested.turn,
      case when found.falls then judged_in_turn.fallen || contested.request else judged_in_turn.fallen end
    from judged_in_turn
    join contested on contested.key = judged_in_turn.key and contested.turn = judged_in_turn.turn + 1
    cross join lateral (
      select contested.is_known_otherwise or exists (
        select from asked_as_one as mine
        join asked_as_one as before using (domain, idempotency_key, item)
        where mine.request = contested.request
          and before.request < contested.request
          and before.request <> all (judged_in_turn.fallen)
          and before.fingerprint <> mine.fingerprint
      ) as falls
    ) as found
  )
  select distinct unnest(fallen) as request from judged_in_turn
),
matched as materialized (
  select asked_as_one.*,
    case
      when asked_as_one.idempotency_key is null then false
      when asked_as_one.is_contested then asked_as_one.request in (select request from fallen_in_turn)
      else asked_as_one.is_known_otherwise
    end as is_fallen
  from asked_as_one
)
