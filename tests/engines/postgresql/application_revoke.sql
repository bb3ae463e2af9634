-- The user may look at the schema, but not push.
revoke execute on function penstock.penstock_push(jsonb) from penstock_application
