select cast(sum(variable_value) as signed) from information_schema.session_status where variable_name like 'HANDLER\_READ%%'
