-- What this session says to the planner.
select current_setting('enable_seqscan') as enable_seqscan,
  current_setting('enable_sort') as enable_sort,
  current_setting('plan_cache_mode') as plan_cache_mode,
  current_setting('search_path') as search_path
