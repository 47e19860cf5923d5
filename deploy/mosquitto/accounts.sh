#!/bin/sh
# Makes and removes the accounts of Mosquitto.
#
#   sh deploy/mosquitto/accounts.sh server                                        # of ingest and alerts
#   sh deploy/mosquitto/accounts.sh watch                                         # of `hearthwatch watch`, reads only
#   sh deploy/mosquitto/accounts.sh gateway DISTRICT/TOWN/VILLAGE/GATEWAY         # its name is its path
#   sh deploy/mosquitto/accounts.sh remove NAME
#
# The account gets a new random password, which stands in a file that only root may read. Carry it to `password_file` of
# `[mqtt]` on its machine, and delete it here. BROKER_FOLDER names a folder other than /etc/mosquitto/hearthwatch.
set -eu
folder=${BROKER_FOLDER:-/etc/mosquitto/hearthwatch}
usage() { sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2; }
umask 077

is_path() { printf '%s' "$1" | grep -Eqx '([a-z0-9][a-z0-9-]{0,47}/){3}[a-z0-9][a-z0-9-]{0,47}'; }

without_account() { # NAME: the rights of all others
    awk -v name="$1" '/^user /{ skip = ($2 == name) } !skip' "$folder/acl"
}

rights_of_gateway() { # PATH
    printf '\nuser %s\n' "$1"
    for kind in telemetry status result; do echo "topic write hw/v1/$kind/$1"; done
    for kind in ack command; do echo "topic read hw/v1/$kind/$1"; done
}

put() { # FILE: replaces it by standard input; the broker may read it
    cat >"$folder/$1.next"
    chmod 640 "$folder/$1.next"
    [ "$(id -u)" != 0 ] || chgrp mosquitto "$folder/$1.next"
    mv "$folder/$1.next" "$folder/$1"
}

passwords_without() { # NAME
    [ ! -e "$folder/passwords" ] || awk -F: -v name="$1" '$1 != name' "$folder/passwords"
}

new_password() { # NAME
    mkdir -p "$folder/new"
    secret=$folder/new/$(printf '%s' "$1" | tr / .)
    openssl rand -hex 24 >"$secret"
    printf '%s:%s\n' "$1" "$(cat "$secret")" >"$folder/passwords.new"
    mosquitto_passwd -U "$folder/passwords.new"
    { passwords_without "$1"; cat "$folder/passwords.new"; } | put passwords
    rm "$folder/passwords.new"
    echo "$1: its password is in $secret"
}

[ -e "$folder/acl" ] || { echo "accounts.sh: $folder/acl is missing; install it first (see mosquitto.conf)" >&2; exit 2; }
case ${1:-}/$# in
  server/1 | watch/1)
    new_password "$1" ;;
  gateway/2)
    is_path "$2" || { echo "accounts.sh: '$2' is no DISTRICT/TOWN/VILLAGE/GATEWAY" >&2; exit 2; }
    { without_account "$2"; rights_of_gateway "$2"; } | put acl
    new_password "$2" ;;
  remove/2)
    passwords_without "$2" | put passwords
    ! is_path "$2" || without_account "$2" | put acl ;;
  *) usage ;;
esac
