#!/bin/sh
# Makes and removes the accounts of NATS.
#
#   sh deploy/nats/accounts.sh server                                             # of ingest and alerts
#   sh deploy/nats/accounts.sh watch                                              # of `hearthwatch watch`, reads only
#   sh deploy/nats/accounts.sh gateway DISTRICT/TOWN/VILLAGE/GATEWAY              # its name is its path
#   sh deploy/nats/accounts.sh remove NAME
#
# The account gets a new random password, which stands in a file that only root may read. Carry it to `password_file` of
# `[mqtt]` on its machine, and delete it here. BROKER_FOLDER names a folder other than /etc/nats-server.
#
# NATS checks subjects: the topic hw/v1/alert/# is the subjects hw.v1.alert and hw.v1.alert.>, and deliveries of QoS 1 come
# below $MQTT.sub. Accounts are for MQTT only, so that nobody reaches those subjects in another way.
set -eu
folder=${BROKER_FOLDER:-/etc/nats-server}
usage() { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2; }
umask 077

is_path() { printf '%s' "$1" | grep -Eqx '([a-z0-9][a-z0-9-]{0,47}/){3}[a-z0-9][a-z0-9-]{0,47}'; }
file_of() { printf '%s' "$1" | tr / .; }

kinds() { for kind in "$@"; do printf '"hw.v1.%s", "hw.v1.%s.>", ' "$kind" "$kind"; done; }
of_gateway() { # PATH KIND...
    subject=$(file_of "$1")
    shift
    for kind in "$@"; do printf '"hw.v1.%s.%s", ' "$kind" "$subject"; done
}

bcrypt() { # of standard input. A password of 24 random bytes needs no slow hash, and thousands of boxes connect at once.
    perl -e 'chomp(my $password = <STDIN>); print crypt($password, "\$2b\$06\$$ARGV[0]")' "$(openssl rand -hex 11)"
}

put() { # FILE: replaces it by standard input; the broker may read it
    cat >"$folder/$1.next"
    chmod 640 "$folder/$1.next"
    [ "$(id -u)" != 0 ] || ! getent group nats >/dev/null || chgrp nats "$folder/$1.next"
    mv "$folder/$1.next" "$folder/$1"
}

publish_accounts() {
    { echo 'users = ['; cat "$folder"/accounts.d/*.conf 2>/dev/null || true; echo ']'; } | put accounts.conf
}

account() { # NAME MAY_WRITE MAY_READ
    mkdir -p "$folder/new" "$folder/accounts.d"
    secret=$folder/new/$(file_of "$1")
    openssl rand -hex 24 >"$secret"
    printf '{user: "%s", password: "%s", allowed_connection_types: ["MQTT"], permissions: {\n  publish: %s\n  subscribe: [%s"$MQTT.sub.>"]\n}}\n' \
        "$1" "$(bcrypt <"$secret")" "$2" "$3" >"$folder/accounts.d/$(file_of "$1").conf"
    publish_accounts
    echo "$1: its password is in $secret"
}

[ $# -gt 0 ] || usage
[ -d "$folder" ] || { echo "accounts.sh: the folder $folder is missing; make it first (see nats-server.conf)" >&2; exit 2; }
case ${1:-}/$# in
  server/1)
    account server "[$(kinds ack command status retired assigned alert)]" \
        "$(kinds telemetry result status retired assigned alert)" ;;
  watch/1)
    account watch '{deny: ">"}' "$(kinds telemetry status alert)" ;;
  gateway/2)
    is_path "$2" || { echo "accounts.sh: '$2' is no DISTRICT/TOWN/VILLAGE/GATEWAY" >&2; exit 2; }
    account "$2" "[$(of_gateway "$2" telemetry status result)]" "$(of_gateway "$2" ack command)" ;;
  remove/2)
    rm -f "$folder/accounts.d/$(file_of "$2").conf"
    publish_accounts ;;
  *) usage ;;
esac
