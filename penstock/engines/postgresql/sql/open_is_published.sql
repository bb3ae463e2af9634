-- Whether these functions for others were made here, or were left to those of a newer release.
select exists (select from published where fingerprint = :fingerprint::text) as found
