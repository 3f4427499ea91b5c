#!/bin/sh
# Makes each secret once, as a file that its reader alone may read. Runs before all else,
# at every start; what is there already stays. One folder (a volume) for each reader.
set -eu
umask 022

secrets=${SECRETS:-/secrets}

# secret FILE OWNER: 32 random bytes in hex.
secret() {
    if [ ! -s "$secrets/$1" ]; then
        head -c 32 /dev/urandom | od -A n -v -t x1 | tr -d ' \n' >"$secrets/$1.new"
        mv "$secrets/$1.new" "$secrets/$1"
    fi
    own "$1" "$2"
}

# own FILE OWNER
own() {
    chown "$2" "$secrets/$1"
    chmod 0400 "$secrets/$1"
}

broker=${BROKER_USER:-1883:1883}
store=${STORE_USER:-1000:1000}
grafana=${GRAFANA_USER:-472:0}
devicelog=${DEVICELOG_USER:-10001:10001}

secret influxdb/admin_password "$store"
secret influxdb/admin_token "$store"
secret influxdb/source_password "$store"
secret grafana/admin_password "$grafana"
secret devicelog/mqtt_password "$devicelog"
secret mosquitto/viewer_password "$broker"
# Grafana asks the store with this; both must have it.
cp "$secrets/influxdb/source_password" "$secrets/grafana/source_password"
own grafana/source_password "$grafana"
# Here the store writes the recorder's token, once it has made it.
chown "$store" "$secrets/recorder"

if [ ! -s "$secrets/mosquitto/devicelog.passwd" ]; then
    {
        echo "devicelog:$(cat "$secrets/devicelog/mqtt_password")"
        echo "viewer:$(cat "$secrets/mosquitto/viewer_password")"
    } >"$secrets/mosquitto/devicelog.passwd.new"
    mosquitto_passwd -U "$secrets/mosquitto/devicelog.passwd.new"
    mv "$secrets/mosquitto/devicelog.passwd.new" "$secrets/mosquitto/devicelog.passwd"
fi
cp "${ACCESS_LIST:-/etc/devicelog/aclfile}" "$secrets/mosquitto/devicelog.acl"
own mosquitto/devicelog.passwd "$broker"
own mosquitto/devicelog.acl "$broker"
