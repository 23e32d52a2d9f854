#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl channel add killed with SIGKILL at any moment: reserved, connected,
# bound, settled, handed over. Whatever it had begun is in nobody's way, nothing
# is left, and the load on the other channel meets no error. ROUNDS says how often.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 8M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 2
rounds=${ROUNDS:-$(scale 48 12)}

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
	--runtime=$((60 + rounds * SLOW)) --verify_backlog=128
fio=$PID
# others: the live channels but the first, in OTHERS. Who was killed keeps the
# place that was reserved for a while, so they may be anywhere.
others()
{
	local dir state

	OTHERS=()
	for dir in "/sys/block/$NAME"/channel*; do
		state=
		read -r state 2>/dev/null <"$dir/state"
		[ "$state" != live ] || [ "${dir##*/}" = channel0 ] ||
			OTHERS+=("${dir##*/channel}")
	done
}

all_lost()
{
	others
	[ ${#OTHERS[@]} = 0 ]
}
killed=0 added=0 bad=0
for ((i = 0; i < rounds; i++)); do
	others
	for other in "${OTHERS[@]}"; do
		added=$((added + 1))
		proxy cut "$(chan_port "$other")" >/dev/null
	done
	wait_for 5 all_lost || bad=$((bad + 1))
	kill_at $((us * i * 5 / 4 / rounds)) enbdctl channel add "$DEV" &&
		killed=$((killed + 1))
done
diag "$killed killed, $added channels were added all the same"
num $killed -gt $((rounds / 4)) "many were killed"
is $bad 0 "channels that were cut were lost"
all_lost && ok "the next one is added" enbdctl channel add "$DEV"
others
is ${#OTHERS[@]} 1 "it is live, and no other"
is "$(chan_state "$NAME" 0)" live "as is the first"
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
