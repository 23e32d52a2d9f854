#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl channel add killed with SIGKILL at any moment: reserved, connected,
# bound, settled, handed over. Whatever it had begun is in nobody's way, nothing
# is left, and the load on the other channel meets no error.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 8M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 2
rounds=$(scale 200 24)

begin=$EPOCHREALTIME
ok "channel add" enbdctl channel add "$DEV"
us=$((${EPOCHREALTIME/./} - ${begin/./}))
ok "channel del" enbdctl channel del "$DEV" 2
sockets=$(count_sockets)
diag "channel add takes $us us"

kill_at()
{
	local us=$1 pid

	shift
	"$@" >/dev/null 2>&1 &
	pid=$!
	read -rt "$(printf '%d.%06d' $((us / 1000000)) $((us % 1000000)))" \
		-u "$NAP"
	kill -9 "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	[ $? = 137 ]
}

spawn fio fio --name=v --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
	--ioengine=libaio --iodepth=8 --verify=crc32c --aux-path="$T" \
	--rate_iops=$(scale 300 60) --size=8M --time_based \
	--runtime=$(scale 60 30) --verify_backlog=128
fio=$PID
one_lost()
{
	[ "$(chan_state "$NAME" 1)" != live ]
}
killed=0 added=0 bad=0
for ((i = 0; i < rounds; i++)); do
	if [ "$(chan_state "$NAME" 1)" = live ]; then
		added=$((added + 1))
		proxy cut "$(chan_port 1)" >/dev/null
		wait_for 5 one_lost || bad=$((bad + 1))
	fi
	kill_at $((us * i * 5 / 4 / rounds)) enbdctl channel add "$DEV" &&
		killed=$((killed + 1))
done
diag "$killed killed, $added channels were added all the same"
num $killed -gt $((rounds / 4)) "many were killed"
is $bad 0 "channels that were cut were lost"
[ "$(chan_state "$NAME" 1)" = live ] ||
	ok "the next one is added" enbdctl channel add "$DEV"
is "$(chan_values state)" "live live" "both channels live"
kill "$fio"
ends 30 "$fio"
unlike "$(cat "$T/fio.log")" "verify: bad|error=[^0 ]" "the load has met no error"
same()
{
	[ "$(count_sockets)" -le "$sockets" ]
}
ok "no socket is left" wait_for 10 same ||
	diag "sockets $sockets -> $(count_sockets)"
ok "disconnect" disconnect

done_testing
