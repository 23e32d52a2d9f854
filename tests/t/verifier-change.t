#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbd-server is restarted, its host is, its storage is replaced: what the
# device makes of that, through the proper tools. The boot of the "host" is a
# file.

. "$(dirname "$0")/../lib/enbd.sh"

mkdir "$T/state"
truncate -s 16M "$T/disk"
echo first >"$T/boot"

# A server as it was before, on the same port.
serve()
{
	rm -f "$T/port"
	spawn enbd-server enbd-server "${PORT:-0}" "$T/disk" -f --bind 127.0.0.1 \
		--port-file "$T/port" --state-dir "$T/state" \
		--boot-id-file "$T/boot" -i "the secret"
	SERVER=$PID
	await_server enbd-server "$T/port"
	PORT=$(cat "$T/port")
}

none_connected()
{
	[[ ! $(chan_values state) =~ live|fencing|standby ]]
}

# crash [COMMAND...]: the server is killed, something happens, it is started
# again, and the device gets channels.
crash()
{
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	[ $# = 0 ] || "$@"
	wait_for 10 none_connected || return 1
	serve
	within 30 enbdctl channel add "$DEV" -n 2
}

reboot_host()
{
	echo "boot $RANDOM$RANDOM" >"$T/boot"
}

# write_at KIB KIB: acknowledged and not flushed
write_at()
{
	dd if=/dev/urandom of="$DEV" bs=4k seek=$(($1 / 4)) count=$(($2 / 4)) \
		oflag=direct conv=notrunc
}

read_it()
{
	dd if="$DEV" of=/dev/null bs=64k count=4 iflag=direct
}

PORT=
serve
need_connect "nbd://127.0.0.1:$PORT" -n 2 --dead-timeout 0
is "$(field 'dev["region_size"]')" 65536 "there is a journal"
is "$(field 'dev["unflushed"]')" 0 "and nothing in it"

ok "write" write_at 1024 8
is "$(field 'dev["unflushed"]')" 65536 "now there is"

note
ok "the server crashes and comes back" crash
is "$(dev_state)" up "up: the same host has the data"
ok "reading works" read_it
nok "nothing in the log" log_has 'may have lost'

ok "flush" sync "$DEV"
is "$(field 'dev["unflushed"]')" 0 "all is flushed"
ok "the host crashes and comes back" crash reboot_host
is "$(dev_state)" up "up: nothing was to be lost"
ok "reading works" read_it
ok "writing works" write_at 0 4
nok "nothing in the log" log_has 'may have lost'

ok "write, in a region, over a border" write_at 2044 8
ok "flush" sync "$DEV"
ok "write at 64 KiB" write_at 64 4
ok "write at 1 MiB - 4 KiB, over a border" write_at 1020 8
ok "write at the end" write_at 16380 4
lost="65536 65536
983040 131072
16711680 65536"
ok "the host crashes and comes back" crash reboot_host
is "$(dev_state)" stale "stale"
is "$(field 'dev["state"]')" stale "status says so"
like "$(enbdctl status "$DEV")" 'enbdctl accept' "and what to do"
nok "reading fails" read_it
nok "writing fails" write_at 8192 4
is "$(enbdctl lost-regions "$DEV")" "$lost" \
	"lost-regions tells what was written since the flush, no more"
is "$(enbdctl lost-regions --json "$DEV" | /usr/bin/python3 -c '
import json, sys
for r in json.load(sys.stdin)["regions"]:
    print(r["offset"], r["length"])')" "$lost" "for programs too"
ok "the log says so" log_has "enbd: $NAME: .*may have lost"

ok "the server crashes and comes back" crash
is "$(dev_state)" stale "still stale"
ok "so does the host" crash reboot_host
is "$(dev_state)" stale "still stale"
is "$(enbdctl lost-regions "$DEV")" "$lost" "with the same ranges"

ok "accept" enbdctl accept "$DEV"
is "$(dev_state)" up "up"
is "$(field 'dev["unflushed"]')" 0 "the journal is empty"
is "$(enbdctl lost-regions "$DEV")" "" "nothing is lost"
ok "reading works" read_it
ok "writing works" write_at 0 4
nok "there is nothing more to accept" enbdctl accept "$DEV"

# Requests that wait while it happens.
spawn fio fio --name=l --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
	--size=16M --ioengine=libaio --iodepth=8 --time_based --runtime=300
fio=$PID
more()
{
	[ "$(chan_sum bytes_written)" -gt 1000000 ]
}
ok "a load" wait_for 20 more
ok "the host crashes under it, and comes back" crash reboot_host
is "$(dev_state)" stale "stale"
ends 30 "$fio"
isnt $? 0 "the load gets an error"
is "$(field 'dev["parked"] + dev["held"]')" 0 "nothing waits"
num "$(enbdctl lost-regions "$DEV" | wc -l)" -gt 0 "there are lost regions"
ok "accept" enbdctl accept "$DEV"
ok "reading works" read_it

# Another file instead of the one it was: an older copy, say.
replace_disk()
{
	cp "$T/disk" "$T/copy"
	mv "$T/copy" "$T/disk"
}
ok "flush" sync "$DEV"
ok "the storage is replaced" crash replace_disk
is "$(dev_state)" up "up: nothing was to be lost"
ok "write" write_at 256 4
ok "the storage is replaced again" crash replace_disk
is "$(dev_state)" stale "stale"
is "$(enbdctl lost-regions "$DEV")" "262144 65536" "what was written since"
ok "disconnect" disconnect

done_testing
