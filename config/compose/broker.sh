#!/bin/sh
# The broker under its shipped configuration. A container's loopback is nobody's; the
# port is published on the host's loopback alone (docker-compose.yml).
set -eu
sed 's/^listener 1883 127\.0\.0\.1$/listener 1883/' \
    "${SHIPPED:-/etc/devicelog/mosquitto.conf}" >"${TO:-/tmp/mosquitto.conf}"
exec mosquitto -c "${TO:-/tmp/mosquitto.conf}"
