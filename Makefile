# Penstock's commands. Everything is made in .venv beside this file; nothing else is touched.
#
#   make run     set up, then serve on 127.0.0.1:1337; PORT= and DATA= (a directory) override
#   make test    set up, then run every test
#   make check   set up, then format, lint, types, import contract and the fast tests
#   make setup   what they share: .venv/bin/penstock; PYTHON= chooses the interpreter
#   make format  put the code into its format
#   make lock    write requirements/*.txt anew from pyproject.toml; UPGRADE=1 takes the newest
#   make clean   remove what these made, except DATA

PORT ?= 1337
DATA ?= ./data
BIN := .venv/bin

# One worker per core, four at most: each may start servers of its own.
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=loadgroup

.PHONY: help setup run test check format format-check lint types imports fast-tests lock clean

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@PYTHON="$(PYTHON)" sh tools/setup.sh

run: setup
	@exec $(BIN)/penstock serve --profile development --port "$(PORT)" --data "$(DATA)"

test: setup
	@$(BIN)/pytest $(PARALLEL) -p tests.house.tally

check: format-check lint types imports fast-tests

format-check: setup
	@$(BIN)/ruff format --check

lint: setup
	@$(BIN)/ruff check

types: setup
	@$(BIN)/mypy

imports: setup
	@$(BIN)/lint-imports --no-cache

fast-tests: setup
	@$(BIN)/pytest $(PARALLEL) -q -m "not slow and not server"

format: setup
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix-only

lock: setup
	@sh tools/lock.sh $(if $(UPGRADE),--upgrade)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist
