#!/bin/sh
# Write requirements/*.txt anew from the ranges in pyproject.toml: exact versions, hashes of every
# file of every platform, Python 3.11 and up. Versions that still fit stay, unless --upgrade.
set -eu
cd "$(dirname "$0")/.."

.venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet \
    --require-hashes -r requirements/lock.txt

# No header, no notes, no index: a lock names neither a host nor a directory.
lock() {
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@" >/dev/null
}

lock "$@" pyproject.toml --output-file requirements/runtime.txt
lock "$@" pyproject.toml --all-extras --group dev --constraints requirements/runtime.txt \
    --output-file requirements/dev.txt
lock "$@" --group lock --output-file requirements/lock.txt
