#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One server takes another's address while something is being written: the device
# does not take it for its own, and waits for the right one. With servers that
# differ in their secret, in what they export, or know nothing of signatures.

. "$(dirname "$0")/../lib/enbd.sh"

mkdir "$T/state"
truncate -s 8M "$T/disk"
truncate -s 8M "$T/other"
PORT=

# serve SECRET FILE [OPTION...]: on the same port as before
serve()
{
	local secret=$1 file=$2

	shift 2
	rm -f "$T/port"
	spawn enbd-server enbd-server "${PORT:-0}" "$file" -f --bind 127.0.0.1 \
		--port-file "$T/port" --state-dir "$T/state" -i "$secret" "$@"
	SERVER=$PID
	await_server enbd-server "$T/port"
	PORT=$(cat "$T/port")
}

# replace SECRET FILE [OPTION...]: another server instead of this one
replace()
{
	kill -9 "$SERVER"
	wait "$SERVER" 2>/dev/null
	serve "$@"
}

serve right "$T/disk" --name=vol
uri=nbd://127.0.0.1:$PORT/vol
need_connect "$uri" -n 2
spawn writer bash -c "
	while dd if=/dev/zero of=$DEV bs=4k count=1 oflag=direct conv=fsync; do
		echo done
	done"
writer=$PID
writes()
{
	[ "$(grep -c '^done' "$T/writer.log")" -gt "$1" ]
}
ok "writes" wait_for 10 writes 3
note
ok "another server has its address" replace wrong "$T/other" --name=vol
ok "the device is parked" wait_for 10 dev_is "$NAME" parked
status 5 "it is refused as a channel" enbdctl channel add "$DEV"
like "$(cat "$TAP_OUT")" 'signature' "for its signature"
ok "the log says so" log_has "enbd: $NAME: .*refused: signature"
is "$(dev_state)" parked "the device waits"
nok "nothing was written there" grep -qv '^$' <(tr -d '\0' <"$T/other")
ok "the right one with another export" replace right "$T/other" --name=volx
nok "is refused too" enbdctl channel add "$DEV"
is "$(dev_state)" parked "the device waits"
ok "one that does not know the extension" eval 'kill -9 $SERVER; wait $SERVER
	nbdkit -f -i 127.0.0.1 -p $PORT -P "$T/nbdkit.pid" -e vol file "$T/other" 2>/dev/null &
	SERVER=$!; PIDS+=($SERVER); wait_for 10 test -s "$T/nbdkit.pid"'
nok "is refused as well" enbdctl channel add "$DEV"
before=$(grep -c '^done' "$T/writer.log")
ok "the right one is back" replace right "$T/disk" --name=vol
ok "it is taken" enbdctl channel add "$DEV"
ok "up, once the lost ones are fenced" wait_for 10 dev_is "$NAME" up
ok "what waited is done" wait_for 10 writes "$before"
kill "$writer"
ends 10 "$writer"
ok "disconnect" wait_for 10 disconnect

done_testing
