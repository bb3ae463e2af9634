-- The jobs of a call, one array a field, with their place.
-- The planner expects ten rows of `unnest`, and would compare each row of one step with each of the next. Of
-- `generate_series` it expects a thousand, and hashes.
  generate_series(1::bigint, cardinality(:types::text[])) as counted (place)
  left join unnest(
    :domains::text[], :types::text[], :params::text[], :details::text[], :priorities::integer[],
    :delays::interval[], :run_ats::timestamptz[], :dedupe_keys::text[],
    :root_signatures::text[], :root_timestamps::timestamptz[],
    :max_attempts::integer[], :deliveries::text[],
    :idempotency_keys::text[], :items::integer[], :fingerprints::text[]
  ) with ordinality as new (
    domain, type, params, details, priority,
    delay, run_at, dedupe_key,
    root_signature, root_timestamp,
    max_attempts, delivery,
    idempotency_key, item, fingerprint, place
  ) using (place)
