#!/bin/sh
# Installs, as root on Debian, the servers and tools that the tests start on free ports; otherwise lists the missing ones.
set -eu
PATH=$PATH:/usr/sbin:/sbin

missing=
need() { # PROGRAM PACKAGE
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need mosquitto mosquitto
need influxd influxdb
need victoria-metrics victoria-metrics
need nginx nginx-light
need logrotate logrotate
need openssl openssl
need systemd-analyze systemd
need socat socat
need mbpoll mbpoll
need chromium chromium
[ -n "$(find /usr/lib/postgresql -path '*/bin/initdb' 2>/dev/null | head -n 1)" ] || missing="$missing postgresql"
[ -n "$(find /usr/share/fonts /usr/local/share/fonts "${HOME:-/}/.fonts" -name 'NotoSansCJK*' 2>/dev/null | head -n 1)" ] || missing="$missing fonts-noto-cjk"

[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && [ -f /etc/debian_version ]; then
    echo "installing for the tests:$missing"
    # Debian would start these as services; the tests start their own.
    policy=/usr/sbin/policy-rc.d
    made_policy=
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made_policy=yes
    fi
    status=0
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null; } || status=$?
    [ -z "$made_policy" ] || rm -f "$policy"
    exit $status
fi
echo "the tests need these Debian packages, which are missing here:$missing" >&2
echo "install them as root with: apt-get install --no-install-recommends$missing" >&2
exit 2
