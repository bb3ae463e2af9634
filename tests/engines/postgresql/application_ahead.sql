-- The first call of a function in a session settles what the names in it mean.
select penstock.taken_text('{"trace": "x"}', 'trace', 0, 255, '')
