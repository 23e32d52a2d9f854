#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl killed with SIGKILL at any moment of connect and disconnect: either
# the device is there and works, or it is not; nothing in between, no socket
# and no thread left, and the next connect works. ROUNDS says how often.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_server "$T/disk"
rounds=${ROUNDS:-$(scale 48 12)}

# How long a whole connect takes, to spread the kills over it.
begin=$EPOCHREALTIME
need_connect "$URI" -n 4
us=$((${EPOCHREALTIME/./} - ${begin/./}))
ok "disconnect" disconnect
sockets=$(count_sockets)
threads=$(count_threads)
diag "connect takes $us us"

# kill_at MICROSECONDS COMMAND...: true if it was killed
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

# Briefly: a kill that came too early leaves the device, and that is right.
soon_gone()
{
	local i

	for i in 1 2 3 4; do
		no_devices && return 0
		read -rt 0.05 -u "$NAP"
	done
	return 1
}

works()
{
	wait_for 5 dev_is nda up &&
		dd if=/dev/nda of=/dev/null bs=64k count=4 iflag=direct
}

connects=0 disconnects=0 killed=0 bad=0
for ((i = 0; i < rounds; i++)); do
	kill_at $((us * i * 5 / 4 / rounds)) enbdctl connect "$URI" -n 4 /dev/nda &&
		killed=$((killed + 1))
	# A kernel that was already making the device goes on with it.
	if ! no_devices; then
		connects=$((connects + 1))
		works >"$T/works.log" 2>&1 || bad=$((bad + 1))
	fi
	if [ -e /sys/block/nda ]; then
		kill_at $((us * i / rounds / 4)) enbdctl disconnect /dev/nda &&
			killed=$((killed + 1))
		soon_gone && disconnects=$((disconnects + 1))
	fi
	no_devices || within 10 enbdctl disconnect --all || bad=$((bad + 1))
done
diag "$killed killed, $connects connects took place, $disconnects disconnects"
num $killed -gt $((rounds / 4)) "many were killed"
is $bad 0 "every device that was there worked and could be removed"

back()
{
	[ "$(count_sockets)" -le "$sockets" ] && [ "$(count_threads)" -le "$threads" ]
}
ok "no socket or thread is left" wait_for 10 back ||
	diag "sockets $sockets -> $(count_sockets), threads $threads -> $(count_threads)"
need_connect "$URI" -n 4
ok "the next connect works" works
ok "disconnect" disconnect

done_testing
