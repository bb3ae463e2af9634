-- Until the end of the transaction, names are those of the schema. It is told anew each time: a session may be a pooler's.
select set_config('search_path', :schema::text, true)
