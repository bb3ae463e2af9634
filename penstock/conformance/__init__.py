"""The suite that every engine must pass: one file a verb, one sentence a case.

It is for engines of third parties too: an engine is wired to it with a `Harness` (`harness.py`)
and one test file that imports the cases.
"""
