#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor is killed with SIGKILL at any moment, also while it connects,
# and started again: no I/O error, nothing is left behind, and everything is
# connected again in the end. ROUNDS says how often.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 4

all_live()
{
	[ "$(chan_values state)" = "live live live live" ]
}

rounds=${ROUNDS:-$(scale 16 4)}
spawn fio fio --name=v --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
	--ioengine=libaio --iodepth=16 --verify=crc32c --aux-path="$T" \
	--rate_iops=$(scale 600 80) --size=16M --time_based \
	--runtime=$((rounds / 4 * SLOW)) --verify_backlog=256
fio=$PID
killed=0 again=0
for ((i = 0; i < rounds; i++)); do
	start_monitor --max-backoff 0.5
	for c in 0 1 2 3; do
		[ $((RANDOM % 3)) = 0 ] || proxy cut "$(chan_port $c)" >/dev/null
	done
	# From before the first attempt to after the last one
	read -rt "0.0$((RANDOM % 90 + 10))" -u "$NAP"
	kill -9 "$MONITOR" && killed=$((killed + 1))
	wait "$MONITOR" 2>/dev/null
	all_live && again=$((again + 1))
done
diag "$killed killed, of which $again had connected everything"
is $killed $rounds "the monitor was killed in each round"
start_monitor --max-backoff 0.5
ok "the last one connects everything" wait_for 15 all_live
ends 60 "$fio"
is $? 0 "the load has met no error"
sockets=$(count_sockets)
num "$(find "$ENBD_RUN_DIR" -type f | wc -l)" -le 4 "no files are left behind"

# One more round changes nothing in the number of sockets.
for c in 0 1 2 3; do
	proxy cut "$(chan_port $c)" >/dev/null
done
ok "once more" wait_for 15 all_live
same()
{
	[ "$(count_sockets)" -le "$sockets" ]
}
ok "no socket is left behind" wait_for 10 same ||
	diag "sockets $sockets -> $(count_sockets)"
ok "disconnect" disconnect

done_testing
