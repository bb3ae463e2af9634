select count(*)
from information_schema.processlist
where db = database() and state = 'Waiting for table metadata lock'
