#!/bin/sh
# Greets whoever is named by its arguments, and says for which job.
echo "Hello, ${*:-world}! This is job ${JOB_ID:-none}, attempt ${JOB_ATTEMPT:-none}."
