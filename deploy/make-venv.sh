#!/bin/sh
# make-venv.sh PYTHON FOLDER: makes a virtual environment, or prints the remedy if the machine cannot make one.
set -eu
python=$1
folder=$2

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "hearthwatch needs Python 3.11 or newer; pass it as: make PYTHON=/path/to/python3.11 ..." >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
        echo "installing python3-venv, which Debian keeps apart from python3"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
    else
        echo "this Python cannot make virtual environments; install python3-venv (Debian: apt-get install python3-venv)" >&2
        exit 2
    fi
fi
"$python" -m venv "$folder"
