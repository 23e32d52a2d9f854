#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Channels are added and removed under a verifying load, down to the last one and
# up to eight; whichever goes, its requests are done by the others.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 1

start_history --threads 16 --pause-us $((4000 * SLOW))

runs()
{
	[ "$(chan_sum dispatched)" -gt $((${1:-0} + 20)) ]
}

# index_at N: the place of the N-th channel
index_at()
{
	local i=0 dir

	for dir in /sys/block/"$NAME"/channel*; do
		[ $i = "$1" ] && echo "${dir##*channel}" && return
		i=$((i + 1))
	done
}

count()
{
	chan_values state | wc -w
}

changes=$(scale 60 12) bad=0 most=1
ok "the load runs" wait_for 10 runs
for ((i = 0; i < changes; i++)); do
	n=$(count)
	# Up for a while, then down for a while
	if [ $n -le 1 ] || { [ $n -lt 8 ] && [ $((i / 8 % 2)) = 0 ]; }; then
		enbdctl channel add "$DEV" >"$T/change.log" 2>&1
	else
		enbdctl channel del "$DEV" "$(index_at $((RANDOM % n)))" \
			>"$T/change.log" 2>&1
	fi || { bad=$((bad + 1)); diag "$(cat "$T/change.log")"; }
	n=$(count)
	[ $n -le $most ] || most=$n
	[ $((i % 3)) -ne 0 ] || wait_for 10 runs 0 || bad=$((bad + 1))
done
is $bad 0 "each of $changes changes took place"
diag "at most $most channels"
num $most -ge 4 "there were several"
ok "no request failed, every answer is right" end_history
is "$(dev_state)" up "the device is up"
ok "disconnect" disconnect

done_testing
