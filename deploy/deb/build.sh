#!/bin/sh
# Builds hearthwatch-PART_VERSION_ARCH.deb with its dependencies below /opt/hearthwatch, a command in /usr/bin, systemd
# units, and a configuration to fill in. PART is gateway (the village box, part [edge]) or server (the district, part
# [server]: ingest, alerts, console, backup, and examples of brokers and proxies in /usr/share/hearthwatch/deploy).
#
#   sh deploy/deb/build.sh [PART] [ARCH] [PYTHON_VERSION] [FOLDER]
#
# ARCH is amd64, arm64 or armhf (default: this machine's), PYTHON_VERSION that of the machine's Debian (3.11 for bookworm,
# 3.13 for trixie; default: this machine's), FOLDER the output folder (default: dist). Without PART it is gateway. The
# environment variable PYTHON names the Python with pip and hatchling that builds the package (default: that of .venv, into
# which `make wheel` puts both; without a .venv, python3). Packages are those of deploy/requirements, checked by their
# hashes. The script runs no program of the target's architecture.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=python3
[ ! -x "$root/.venv/bin/python" ] || python=$root/.venv/bin/python
python=${PYTHON:-$python}
if ! $python -c 'import hatchling, pip' 2>/dev/null; then
  echo "build.sh: $python lacks pip or hatchling; run make wheel first, or name a Python that has both in PYTHON" >&2
  exit 2
fi
part=gateway
case ${1:-} in gateway | server) part=$1; shift ;; esac
arch=${1:-$(dpkg --print-architecture)}
version_of_python=${2:-$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
folder=${3:-$root/dist}
case $arch in
  amd64) platform=x86_64 ;;
  arm64) platform=aarch64 ;;
  armhf) platform=armv7l ;;
  *) echo "build.sh: $arch is not amd64, arm64 or armhf" >&2; exit 2 ;;
esac
case $part in
  gateway) lock=edge; settings=gateway.toml ;;
  server) lock=server; settings=server.toml ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
library=$tree/opt/hearthwatch/lib
share=$tree/usr/share/hearthwatch

[ $part = server ] || export HEARTHWATCH_WITHOUT_CONSOLE=1
$python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir "$work" "$root"
wheel=$(ls "$work"/*.whl)
version=$(basename "$wheel" | cut -d- -f2)
fetch() { # what to install, for the target's architecture and Python
  $python -m pip install --quiet --disable-pip-version-check --no-compile --target "$library" --only-binary=:all: \
    --implementation cp --python-version "$version_of_python" \
    --platform "manylinux_2_28_$platform" --platform "manylinux_2_17_$platform" --platform "manylinux2014_$platform" \
    --no-deps "$@"
}
fetch --require-hashes --requirement "$root/deploy/requirements/$lock.txt"
fetch "$wheel"
rm -rf "$library/bin" "$library/simulators"
[ $part = server ] || rm -rf "$library/rules" "$library/desk" "$library/alerts" "$library/api" "$library/console" "$library/ingest"

install -d "$tree/DEBIAN" "$tree/usr/bin" "$tree/lib/systemd/system" "$tree/usr/lib/sysusers.d" "$tree/etc/hearthwatch" "$folder"
install -m 755 "$root/deploy/deb/hearthwatch" "$tree/usr/bin/hearthwatch"
install -m 644 "$root/deploy/systemd/hearthwatch.sysusers" "$tree/usr/lib/sysusers.d/hearthwatch.conf"
units() { for unit; do install -m 644 "$root/deploy/systemd/hearthwatch-$unit" "$tree/lib/systemd/system/"; done; }
if [ $part = gateway ]; then
  units gateway.service
  sed 's|^path = "journal.db"|path = "/var/lib/hearthwatch/journal.db"|' "$root/config/examples/gateway.toml" \
    > "$tree/etc/hearthwatch/$settings"
else
  units ingest.service alerts.service server.target backup.service backup.timer
  sed 's|^# directory = "/var/lib/hearthwatch"|directory = "/var/lib/hearthwatch"|' "$root/config/examples/server.toml" \
    > "$tree/etc/hearthwatch/$settings"
  install -D -m 755 "$root/deploy/backup/backup-daily" "$tree/usr/lib/hearthwatch/backup-daily"
  install -D -m 644 "$root/deploy/logrotate/hearthwatch" "$tree/etc/logrotate.d/hearthwatch"
  install -d "$share/deploy"
  cp -R "$root/deploy/mosquitto" "$root/deploy/nats" "$root/deploy/nginx" "$root/deploy/tls" "$share/deploy/"
fi
chmod 640 "$tree/etc/hearthwatch/$settings"
(cd "$tree" && find etc -type f | sed 's|^|/|') > "$tree/DEBIAN/conffiles"
for script in postinst prerm; do
  sed "s|@PART@|$part|g" "$root/deploy/deb/$script" > "$tree/DEBIAN/$script"
  chmod 755 "$tree/DEBIAN/$script"
done

next=${version_of_python%.*}.$((${version_of_python#*.} + 1))
other=$([ $part = gateway ] && echo server || echo gateway)
cat > "$tree/DEBIAN/control" <<EOF
Package: hearthwatch-$part
Version: $version
Architecture: $arch
Maintainer: hearthwatch maintainers <maintainers@hearthwatch.invalid>
Depends: python3 (>= $version_of_python), python3 (<< $next~), systemd | systemd-standalone-sysusers
Conflicts: hearthwatch-$other
Installed-Size: $(du -sk "$tree" | cut -f1)
Section: net
Priority: optional
EOF
case $part in
  gateway) cat >> "$tree/DEBIAN/control" <<'EOF'
Description: village gateway for air-source heat pumps
 Reads heat pumps over Modbus, keeps every reading on disk until the district has stored it, and publishes over MQTT.
EOF
  ;;
  server) cat >> "$tree/DEBIAN/control" <<'EOF'
Description: district services for air-source heat pumps
 Stores the readings of village gateways, raises alerts, opens repair tickets, and serves the console.
EOF
  ;;
esac
dpkg-deb --root-owner-group --build "$tree" "$folder/hearthwatch-${part}_${version}_$arch.deb"
