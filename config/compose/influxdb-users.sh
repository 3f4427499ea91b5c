#!/bin/bash
# Run by the image of InfluxDB 2.7 once, after it has made the first bucket: the bucket
# of simulated data, names for InfluxQL, a token for the recorder, a reader for Grafana.
set -euo pipefail

bucket() {
    influx bucket list --name "$1" --hide-headers | awk '{print $1}'
}

name=$DOCKER_INFLUXDB_INIT_BUCKET
influx bucket create --name "${name}_sim" --retention 0
real=$(bucket "$name")
simulated=$(bucket "${name}_sim")
influx v1 dbrp create --db "$name" --rp autogen --default --bucket-id "$real"
influx v1 dbrp create --db "${name}_sim" --rp autogen --default --bucket-id "$simulated"

# Read and write, for the recorder reads back what it has written.
influx auth create --description devicelog --json \
    --read-bucket "$real" --write-bucket "$real" \
    --read-bucket "$simulated" --write-bucket "$simulated" |
    sed -n 's/.*"token": *"\([^"]*\)".*/\1/p' >"${RECORDER:-/run/recorder}/token"
# Grafana's viewers can send it any query: so it may only read.
influx v1 auth create --username grafana \
    --password "$(cat "${SECRETS:-/run/devicelog}/source_password")" \
    --read-bucket "$real" --read-bucket "$simulated"
