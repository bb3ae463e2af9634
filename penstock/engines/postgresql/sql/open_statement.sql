-- The statement that becomes a function next, as JSON: its name, the types of its parameters, its columns, its text.
select set_config('penstock.statement', :statement::text, true)
