#!/bin/sh
# Makes a certificate authority of the district, and a certificate for the machine HOST (names or addresses).
#
#   sh deploy/tls/certificates.sh FOLDER HOST [FURTHER_NAME_OF_HOST ...]
#
# FOLDER/ca.crt goes to every gateway and server (`ca` of `[mqtt]`). FOLDER/ca.key signs certificates: keep it closed, and
# apart from the servers. FOLDER/HOST.crt and FOLDER/HOST.key go to the broker or the proxy. A second run keeps the
# authority and renews HOST's certificate, which holds for two years; the authority holds for twenty.
set -eu
[ $# -ge 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
folder=$1
shift
host=$1
umask 077
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

if [ ! -e "$folder/ca.crt" ]; then
    new_key "$folder/ca.key"
    openssl req -x509 -new -key "$folder/ca.key" -subj "/CN=hearthwatch authority" -days 7300 -out "$folder/ca.crt"
fi
names=
for name in "$@"; do
    case $name in
      *:* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) names="$names,IP:$name" ;;
      *) names="$names,DNS:$name" ;;
    esac
done
cat >"$work/extensions" <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${names#,}
END
new_key "$folder/$host.key"
openssl req -new -key "$folder/$host.key" -subj "/CN=$host" -out "$work/request"
openssl x509 -req -in "$work/request" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
    -days 730 -extfile "$work/extensions" -out "$folder/$host.crt" 2>/dev/null
chmod 644 "$folder/ca.crt" "$folder/$host.crt"
