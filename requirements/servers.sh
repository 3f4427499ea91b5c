#!/bin/sh
# Installs the tools that the tests use, as root on a machine with apt; else does nothing.
missing=""
for pair in socat:socat strace:strace sqlite3:sqlite3 fiu-run:fiu-utils \
        mosquitto:mosquitto mosquitto_sub:mosquitto-clients influxd:influxdb \
        systemd-analyze:systemd wget:wget chromium:chromium \
        pdftoppm:poppler-utils; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
# What WeasyPrint draws with: libraries and a font, no commands.
for pair in libpango-1.0:libpango-1.0-0 libpangoft2-1.0:libpangoft2-1.0-0 \
        libharfbuzz-subset:libharfbuzz-subset0; do
    ldconfig -p 2>/dev/null | grep -q "${pair%%:*}\.so" || missing="$missing ${pair#*:}"
done
[ -d /usr/share/fonts/truetype/dejavu ] || missing="$missing fonts-dejavu-core"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "devicelog: tests that need$missing will be skipped" >&2
    exit 0
fi
case "$missing" in *fiu-utils*) missing="$missing libfiu0" ;; esac
# Nothing that is installed here may start by itself.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy
    trap 'rm -f $policy' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
# Nor at the next boot.
for unit in mosquitto influxdb; do
    case "$missing " in *" $unit "*) systemctl --quiet disable "$unit" 2>/dev/null || : ;; esac
done
