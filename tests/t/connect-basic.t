#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# connect makes a disk of the right size, name and flags; status tells about
# it, as a table and as JSON with every member a program may rely on;
# disconnect takes the node away again.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 24M "$T/disk"
start_server "$T/disk"

need_connect "$URI" -n 2
is "$DEV" /dev/nda "the first device is nda, and connect prints its node"
ok "a block device" test -b "$DEV"
is "$(dev_bytes)" $((24 << 20)) "as large as the export"
is "$(cat /sys/block/nda/ro)" 0 "writable"
is "$(dev_state)" up "sysfs: state"
is "$(cat /sys/block/nda/enbd/uri)" "$URI" "sysfs: uri"
is "$(chan_state nda 0),$(chan_state nda 1)" live,live "sysfs: both channels"
like "$(enbdctl status)" 'nda' "the table names the device"
like "$(enbdctl status "$DEV")" "127\.0\.0\.1:$PORT" "and the server"

schema()
{
	enbdctl status "$1" --json | /usr/bin/python3 -S -E -c '
import json, sys
s = json.load(sys.stdin)
want_dev = {"name": str, "index": int, "state": str, "size": int,
	"read_only": bool, "uri": str, "export": str, "block_min": int,
	"block_pref": int, "block_max": int, "channels": list}
want_chan = {"index": int, "state": str, "peer": str, "local": str,
	"requested": int, "dispatched": int, "errored": int, "retracted": int,
	"pending": int, "bytes_read": int, "bytes_written": int,
	"hw_queue": int, "incarnation": int, "reply_format": str}
def check(what, d, want):
	for key, kind in want.items():
		if type(d.get(key)) is not kind:
			sys.exit("%s[%s] is %r" % (what, key, d.get(key)))
for d in s["devices"]:
	check("device", d, want_dev)
	for c in d["channels"]:
		check("channel", c, want_chan)
if len(s["devices"]) != 1 or len(s["devices"][0]["channels"]) != 2:
	sys.exit("wrong number of devices or channels")
'
}
ok "status --json has what it promises" schema "$DEV"
is "$(field 'dev["name"], dev["size"], dev["read_only"], dev["state"]')" \
	"('nda', $((24 << 20)), False, 'up')" "JSON: the device's values"
is "$(field '[c["state"] for c in ch], ch[0]["peer"]')" \
	"(['live', 'live'], '127.0.0.1:$PORT')" "JSON: the channels' values"

ok "write" dd if=/dev/urandom of="$DEV" bs=64k count=16 oflag=direct
ok "and the server has it" cmp -n $((1 << 20)) "$DEV" "$T/disk"
ok "the counters counted it" test "$(field 'sum(c["bytes_written"]
	for c in ch)')" -ge $((1 << 20))

ok "disconnect" disconnect
nok "the node is gone" test -e /dev/nda
ok "no device" no_devices
is "$(enbdctl status --json | tr -d ' \t\n')" '{"devices":[]}' "no device in JSON"
status 8 "disconnect again: not connected" disconnect /dev/nda

need_connect "$URI" /dev/ndc
is "$DEV" /dev/ndc "a device of one's choice"
ok "gone by name without /dev" enbdctl disconnect ndc
ok "no device" no_devices

ok "the original's form: host:port -n 2 /dev/nda" \
	connect "127.0.0.1:$PORT" -n 2 /dev/nda
ok "disconnect --all" enbdctl disconnect --all
ok "no device" no_devices

done_testing
