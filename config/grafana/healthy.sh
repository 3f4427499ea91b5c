#!/bin/sh
# Whether Grafana answers, and knows its database. On the very first start it can lose
# the database of a provisioned data source: told to read its files again, it has it.
set -eu
host=${GRAFANA:-127.0.0.1:3000}
wget -q -O - "http://$host/api/health" | grep -q '"database": *"ok"'
password=$(cat "${SECRETS:-/run/devicelog}/admin_password")
# Whoever has changed the password of admin sees the rest in Grafana itself.
mine=http://admin:$password@$host/api
wget -q -O /dev/null "$mine/org" || exit 0
if ! wget -q -O - "$mine/datasources/uid/devicelog_influx/health" | grep -q OK; then
    wget -q -O /dev/null --post-data= "$mine/admin/provisioning/datasources/reload"
    exit 1
fi
