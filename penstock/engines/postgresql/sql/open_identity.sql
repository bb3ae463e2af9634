-- Who the store is.
select uuid::text as uuid, number from store
