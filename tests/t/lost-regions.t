#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The server's machine is restarted with acknowledged writes that were not
# flushed: the monitor connects the device again, it is stale, enbdctl
# lost-regions tells where, and enbdctl accept makes it work again. After a
# restart of the server's process alone nobody notices anything.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
echo first >"$T/boot"
start_server -o "--boot-id-file $T/boot" "$T/disk"
port=$PORT server=$PID

# reboot [BOOT]: the server is killed and started again, on another boot
reboot()
{
	kill -9 "$server"
	wait "$server" 2>/dev/null
	[ $# -eq 0 ] || echo "$1" >"$T/boot"
	start_again "$port" --boot-id-file "$T/boot" "$T/disk"
	server=$PID
}

write_at()
{
	within 20 dd if=/dev/urandom of="$DEV" bs=4k seek=$1 count=$2 \
		oflag=direct conv=notrunc
}
read_it()
{
	within 20 dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
}

need_connect "$URI" -n 2
start_monitor --max-backoff 1
spawn events enbdctl events
all_live()
{
	[ "$(chan_values state)" = "live live" ]
}

ok "write" write_at 0 4
ok "the server's process is killed and started again" reboot
ok "all channels are back" wait_for 15 all_live
is "$(dev_state)" up "the device is up"
ok "and reads" read_it
is "$(enbdctl lost-regions "$DEV")" "" "nothing is lost"
status 1 "there is nothing to accept" enbdctl accept "$DEV"

ok "flush" sync "$DEV"
ok "the server's machine is restarted" reboot second
ok "all channels are back" wait_for 15 all_live
is "$(dev_state)" up "all was flushed: the device is up"
ok "and reads" read_it

ok "write 16 KiB at 1 MiB" write_at 256 4
ok "write 4 KiB at the end" write_at 4095 1
ok "the server's machine is restarted" reboot third
ok "the device is stale" wait_for 15 dev_is "$NAME" stale
nok "reading fails" read_it
like "$(enbdctl status "$DEV")" "Stale: .*enbdctl lost-regions" \
	"status says so, and what to do"
is "$(field 'dev["state"]')" stale "so does its JSON"
is "$(enbdctl lost-regions "$DEV" | xargs)" \
	"1048576 65536 $((16777216 - 65536)) 65536" "lost-regions tells where"
enbdctl lost-regions --json "$DEV" >"$T/lost.json"
is "$(/usr/bin/python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
print(d["name"], [(r["offset"], r["length"]) for r in d["regions"]])' "$T/lost.json")" \
	"nda [(1048576, 65536), ($((16777216 - 65536)), 65536)]" "so does its JSON"
event()
{
	grep -q "$1" "$T/events.log"
}
ok "an event tells of it" wait_for 5 event "nda: device-state: stale"
ok "accept" enbdctl accept "$DEV"
is "$(dev_state)" up "the device is up"
ok "an event tells of it" wait_for 5 event "nda: device-accepted: up"
ok "and reads" read_it
is "$(enbdctl lost-regions "$DEV")" "" "nothing is lost any more"
status 8 "no such device" enbdctl accept ndz
status 8 "none here either" enbdctl lost-regions ndz
ok "disconnect" disconnect

done_testing
