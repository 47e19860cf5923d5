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

rights_without() { # NAME
    [ ! -e "$folder/gateways.acl" ] || awk -v name="$1" '/^user /{ skip = ($2 == name) } !skip' "$folder/gateways.acl"
}

rights_of() { # PATH
    printf 'user %s\n' "$1"
    for kind in telemetry status result; do echo "topic write hw/v1/$kind/$1"; done
    for kind in ack command; do echo "topic read hw/v1/$kind/$1"; done
}

put() { # FILE: replaces it by standard input; the broker may read it
    cat >"$folder/$1.next"
    chmod 640 "$folder/$1.next"
    [ "$(id -u)" != 0 ] || chgrp mosquitto "$folder/$1.next"
    mv "$folder/$1.next" "$folder/$1"
}

passwords_without() { # FILE NAME
    [ ! -e "$folder/$1" ] || awk -F: -v name="$2" '$1 != name' "$folder/$1"
}

new_password() { # FILE NAME
    mkdir -p "$folder/new"
    secret=$folder/new/$(printf '%s' "$2" | tr / .)
    openssl rand -hex 24 >"$secret"
    printf '%s:%s\n' "$2" "$(cat "$secret")" >"$folder/hashed"
    mosquitto_passwd -U "$folder/hashed"
    { passwords_without "$1" "$2"; cat "$folder/hashed"; } | put "$1"
    rm "$folder/hashed"
    echo "$2: its password is in $secret"
}

[ $# -gt 0 ] || usage
[ -d "$folder" ] || { echo "accounts.sh: the folder $folder is missing; make it first (see mosquitto.conf)" >&2; exit 2; }
# The broker starts before the first gateway has an account.
for file in gateways.acl gateways.passwords; do
    [ -e "$folder/$file" ] || put "$file" </dev/null
done
case ${1:-}/$# in
  server/1 | watch/1)
    new_password services.passwords "$1" ;;
  gateway/2)
    is_path "$2" || { echo "accounts.sh: '$2' is no DISTRICT/TOWN/VILLAGE/GATEWAY" >&2; exit 2; }
    { rights_without "$2"; rights_of "$2"; } | put gateways.acl
    new_password gateways.passwords "$2" ;;
  remove/2)
    for file in services.passwords gateways.passwords; do passwords_without "$file" "$2" | put "$file"; done
    rights_without "$2" | put gateways.acl ;;
  *) usage ;;
esac
