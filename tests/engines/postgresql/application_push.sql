-- As an application calls it that knows nothing of ours.
select * from penstock.penstock_push('{"type": "note"}')
