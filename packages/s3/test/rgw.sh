#!/bin/sh
# A Ceph of one node that keeps nothing, with its S3 gateway: sh packages/s3/test/rgw.sh FOLDER [PORT]
# It needs `apt-get install --no-install-recommends radosgw ceph-mon ceph-osd`, and says how to run the suites against it.
set -eu
folder=${1:?a folder, which is emptied}
port=${2:-7480}
monitor=$((port + 1))
for stopped in "$folder"/*.pid; do [ -f "$stopped" ] && kill "$(cat "$stopped")" 2>/dev/null || true; done
rm -rf "$folder"
mkdir -p "$folder/mon" "$folder/osd" "$folder/rgw"
folder=$(cd "$folder" && pwd)
export CEPH_CONF="$folder/ceph.conf"
fsid=$(cat /proc/sys/kernel/random/uuid)
cat > "$CEPH_CONF" <<END
[global]
fsid = $fsid
mon host = v1:127.0.0.1:$monitor
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
admin socket = $folder/\$name.\$pid.asok
pid file = $folder/\$name.pid
log file = $folder/\$name.log
mon data = $folder/mon
mon allow pool size one = true
mon max pg per osd = 1000
osd data = $folder/osd
osd objectstore = memstore
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
rgw data = $folder/rgw
rgw frontends = beast endpoint=127.0.0.1:$port
END
monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$monitor]" "$folder/monmap" >/dev/null
ceph-mon --mkfs -i a --monmap "$folder/monmap"
ceph-mon -i a
ceph-osd -i 0 --mkfs
ceph-osd -i 0
radosgw -n client.rgw
left=150
until curl -s -o "$folder/first-answer" "http://127.0.0.1:$port/"; do
  left=$((left - 1))
  [ "$left" -gt 0 ] || { echo "rgw.sh: no answer; see $folder/client.rgw.log" >&2; exit 1; }
  sleep 0.2
done
radosgw-admin user create --uid test --display-name test --access-key test --secret-key test >"$folder/user.json"
echo "STAGEFOLD_TEST_S3=http://test:test@127.0.0.1:$port/builds npm test -- packages/s3/test/real-bucket.int.test.ts"
echo "kill \$(cat $folder/*.pid)   # ends it"
