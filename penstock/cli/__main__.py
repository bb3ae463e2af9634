"""`python -m penstock.cli`: how a worker starts its own children."""

from penstock.cli.main import main

main()
