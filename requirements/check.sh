#!/bin/sh
# What the set-up needs of the machine; says the remedy in one line when it is absent.
python=$1
need() { echo "devicelog: $1. On Debian or Ubuntu: sudo apt install $2" >&2; exit 1; }
command -v git >/dev/null || need "git is missing" git
command -v "$python" >/dev/null || need "$python is missing" "python3 python3-venv"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || need "$python is older than 3.11 (set PYTHON=...)" "python3.11 python3.11-venv"
"$python" -c 'import venv, ensurepip' 2>/dev/null \
    || need "$python cannot make a virtual environment" python3-venv
