-- Ten of the claims are past their time.
update claimed set until = @now order by until limit 10
