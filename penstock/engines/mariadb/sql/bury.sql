-- The places of the claims that were held.
select place
from moving
