#!/bin/sh
# Builds hearthwatch-gateway_VERSION_ARCH.deb, the village box's package: the [edge] part with its dependencies below
# /opt/hearthwatch, a command in /usr/bin, the systemd unit, and a configuration to fill in.
#
#   sh deploy/deb/build.sh [ARCH] [PYTHON_VERSION] [FOLDER]
#
# ARCH is amd64, arm64 or armhf (default: this machine's), PYTHON_VERSION that of the box's Debian (3.11 for bookworm,
# 3.13 for trixie; default: this machine's), FOLDER the output folder (default: dist). The environment variable PYTHON
# names the Python with pip that builds the package. The script runs no program of the target's architecture.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
python=${PYTHON:-python3}
arch=${1:-$(dpkg --print-architecture)}
version_of_python=${2:-$($python -c 'import sys; print("%d.%d" % sys.version_info[:2])')}
folder=${3:-$root/dist}
case $arch in
  amd64) platform=x86_64 ;;
  arm64) platform=aarch64 ;;
  armhf) platform=armv7l ;;
  *) echo "build.sh: $arch is not amd64, arm64 or armhf" >&2; exit 2 ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
library=$tree/opt/hearthwatch/lib

HEARTHWATCH_WITHOUT_CONSOLE=1 $python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir "$work" "$root"
wheel=$(ls "$work"/*.whl)
version=$(basename "$wheel" | cut -d- -f2)
$python -m pip install --quiet --disable-pip-version-check --no-compile --target "$library" --only-binary=:all: \
  --implementation cp --python-version "$version_of_python" \
  --platform "manylinux_2_28_$platform" --platform "manylinux_2_17_$platform" --platform "manylinux2014_$platform" \
  "$wheel[edge]"
rm -rf "$library/bin" "$library/rules" "$library/desk" "$library/alerts" "$library/api" "$library/console" \
  "$library/ingest" "$library/simulators"

install -d "$tree/DEBIAN" "$tree/usr/bin" "$tree/lib/systemd/system" "$tree/etc/hearthwatch" "$folder"
cat > "$tree/usr/bin/hearthwatch" <<'EOF'
#!/bin/sh
PYTHONPATH=/opt/hearthwatch/lib exec /usr/bin/python3 -m hearthwatch "$@"
EOF
chmod 755 "$tree/usr/bin/hearthwatch"
install -m 644 "$root/deploy/systemd/hearthwatch-gateway.service" "$tree/lib/systemd/system/"
sed 's|^path = "journal.db"|path = "/var/lib/hearthwatch/journal.db"|' "$root/config/examples/gateway.toml" \
  > "$tree/etc/hearthwatch/gateway.toml"
chmod 640 "$tree/etc/hearthwatch/gateway.toml"
echo /etc/hearthwatch/gateway.toml > "$tree/DEBIAN/conffiles"
install -m 755 "$root/deploy/deb/postinst" "$root/deploy/deb/prerm" "$tree/DEBIAN/"

next=${version_of_python%.*}.$((${version_of_python#*.} + 1))
cat > "$tree/DEBIAN/control" <<EOF
Package: hearthwatch-gateway
Version: $version
Architecture: $arch
Maintainer: hearthwatch maintainers <maintainers@hearthwatch.invalid>
Depends: python3 (>= $version_of_python), python3 (<< $next~), adduser
Installed-Size: $(du -sk "$tree" | cut -f1)
Section: net
Priority: optional
Description: village gateway for air-source heat pumps
 Reads heat pumps over Modbus, keeps every reading on disk until the district has stored it, and publishes over MQTT.
EOF
dpkg-deb --root-owner-group --build "$tree" "$folder/hearthwatch-gateway_${version}_$arch.deb"
