#!/bin/sh
# Make .venv hold exactly what requirements/dev.txt names, and this checkout as `penstock`.
# Does nothing when nothing changed; what an interrupted run left is repaired by the next one.
# PYTHON= chooses the interpreter; without it the newest of 3.11 to 3.14 on PATH that starts.
set -eu
cd "$(dirname "$0")/.."

venv=.venv
stamp=$venv/.complete       # what was installed, once all of it was
begun=$venv/.installing     # stands while packages are written

say() { printf 'setup: %s\n' "$*" >&2; }

refuse() {
    say "$*"
    exit 1
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

series() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

chosen_python() {
    if [ -n "${PYTHON:-}" ]; then
        is_new_enough "$PYTHON" || refuse "PYTHON=$PYTHON is not Python 3.11 or newer; name one that is."
        echo "$PYTHON"
        return
    fi
    for candidate in python3.14 python3.13 python3.12 python3.11 python3 python; do
        if is_new_enough "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    refuse "no Python 3.11 or newer on PATH; install one (Debian: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3"
}

# The environment stands, is not half written, belongs to this directory and has the wanted Python.
is_usable() {
    [ ! -e $begun ] || return 1
    is_new_enough $venv/bin/python || return 1
    $venv/bin/python -m pip --version >/dev/null 2>&1 || return 1
    grep -qxF "$(pwd -P)" $venv/.checkout 2>/dev/null || return 1
    [ -z "${PYTHON:-}" ] || [ "$(series "$PYTHON")" = "$(series $venv/bin/python)" ]
}

make_venv() {
    python=$(chosen_python)
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        install_venv_package "$python"
    fi
    say "making $venv with $("$python" --version)"
    "$python" -m venv --clear $venv
    pwd -P >$venv/.checkout
}

# Debian ships Python without what makes environments.
install_venv_package() {
    package=python$(series "$1")-venv
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        refuse "$1 cannot make environments (no ensurepip); as root run: apt-get install $package"
    fi
    say "installing $package, without which $1 cannot make environments"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -qy --no-install-recommends "$package" ||
        refuse "$package could not be installed; install it by hand, then run this again"
}

fingerprint() { cat pyproject.toml requirements/dev.txt tools/setup.sh | cksum; }

install() {
    say "installing the locked requirements"
    touch $begun
    rm -f $stamp
    pip="$venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet"
    $pip --require-hashes --no-deps -r requirements/dev.txt
    $pip --no-deps --no-build-isolation --editable .
    fingerprint >$stamp
    rm $begun
}

# Two `make` at once: the second waits, then finds the work done.
if command -v flock >/dev/null && [ -z "${PENSTOCK_SETUP_LOCKED:-}" ]; then
    PENSTOCK_SETUP_LOCKED=1 exec flock tools/setup.sh sh tools/setup.sh
fi
unset PENSTOCK_SETUP_LOCKED
is_usable || make_venv
[ "$(cat $stamp 2>/dev/null)" = "$(fingerprint)" ] || install
