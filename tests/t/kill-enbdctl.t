#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl is killed with SIGKILL at each of its system calls (a part of them, on
# slow kernels) while it connects, while it adds a channel in place of a lost one,
# and while the monitor does. Afterwards there is the whole device or none, nobody
# is in the way of the next attempt, and nothing is left: no device, socket,
# thread, nor connection at the server. kill-tool.t kills at any time, also while
# enbdctl is in the kernel. "make torture" kills a thousand times: 440 in each of
# the first two, and half as often in the third.
# timeout: 900

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/monitor.sh"

command -v strace >/dev/null || skip_all "strace is not installed"
KILLS=$(long "$(scale 48 8)" 440)

truncate -s 4M "$T/disk"
start_server "$T/disk"

# phases COUNT: of the system calls in $T/strace from the first socket on, as
# NAME:N for the N-th of that name, so many, evenly chosen.
phases()
{
	awk -v count="$1" '
	match($0, /^[0-9]+ +[a-z_0-9]+\(/) {
		name = $2
		sub(/\(.*/, "", name)
		n[name]++
		if (name == "socket")
			begun = 1
		if (begun && name != "exit_group")
			all[++m] = name ":" n[name]
	}
	END {
		for (i = 0; i < count && m; i++)
			print all[int(i * m / count) + 1]
	}' "$T/strace"
}

record()
{
	strace -f -o "$T/strace" "$@" >"$T/record.log" 2>&1
}

# killed_at PHASE COMMAND...: true if it was
killed_at()
{
	local phase=$1

	shift
	within 30 strace -f -o "$T/strace" \
		-e "inject=${phase%:*}:signal=KILL:when=${phase#*:}" "$@" \
		>"$T/killed.log" 2>&1
	grep -q 'killed by SIGKILL' "$T/strace"
} 2>/dev/null

works()
{
	wait_for 5 dev_is nda up &&
		within 10 dd if=/dev/nda of=/dev/null bs=64k count=4 iflag=direct
}

connections()
{
	ss -Htn state established "sport = :$PORT" | wc -l
}

back()
{
	[ "$(count_sockets)" -le "$sockets" ] &&
		[ "$(count_threads)" -le "$threads" ] && [ "$(connections)" = 0 ]
}

nothing_left()
{
	ok "$1: no socket, thread or connection is left" wait_for 10 back ||
		diag "sockets $sockets -> $(count_sockets), threads $threads ->" \
			"$(count_threads), connections $(connections)"
}

# Once, so that what is made for ever is there.
need_connect "$URI" -n 2 /dev/nda
ok "disconnect" disconnect
no_connections()
{
	[ "$(connections)" = 0 ]
}
wait_for 5 no_connections
sockets=$(count_sockets)
threads=$(count_threads)

# ---- connect
record enbdctl connect "$URI" -n 2 /dev/nda
mapfile -t list < <(phases "$KILLS")
disconnect /dev/nda >/dev/null
killed=0 bad=0 made=0
for phase in "${list[@]}"; do
	killed_at "$phase" enbdctl connect "$URI" -n 2 /dev/nda &&
		killed=$((killed + 1))
	if ! no_devices; then
		made=$((made + 1))
		works >/dev/null 2>&1 || bad=$((bad + 1))
		within 20 enbdctl disconnect /dev/nda >/dev/null 2>&1 ||
			bad=$((bad + 1))
	fi
done
diag "connect: killed $killed times of ${#list[@]}, $made devices were made"
num $killed -ge $((${#list[@]} * 3 / 4)) "connect: killed in every phase"
is $bad 0 "connect: each device worked and could be removed"
nothing_left connect

# ---- channel add
lose()
{
	local state=

	read -r state 2>/dev/null <"/sys/block/nda/channel1/state"
	[ "$state" != live ] || reset_port "$(chan_port 1)" >/dev/null
	wait_for 5 chan_is nda 1 lost
}

need_connect "$URI" -n 2 /dev/nda
lose
record enbdctl channel add nda
mapfile -t list < <(phases "$KILLS")
killed=0 bad=0
for phase in "${list[@]}"; do
	lose || bad=$((bad + 1))
	killed_at "$phase" enbdctl channel add nda && killed=$((killed + 1))
	chan_is nda 1 live || within 10 enbdctl channel add nda >/dev/null 2>&1 ||
		bad=$((bad + 1))
	works >/dev/null 2>&1 && chan_is nda 1 live || bad=$((bad + 1))
done
diag "channel add: killed $killed times of ${#list[@]}"
num $killed -ge $((${#list[@]} * 3 / 4)) "channel add: killed in every phase"
is $bad 0 "channel add: the next one always worked"
is "$(connections)" 2 "channel add: the server has no other connection"
ok "disconnect" disconnect /dev/nda
nothing_left "channel add"

# ---- the monitor
need_connect "$URI" -n 2 /dev/nda

healed()
{
	chan_is nda 1 live
}

killed_or_healed()
{
	gone "$tracer" || healed
}

# monitor_with STRACE-OPTIONS...: until it was killed or the channel is back
monitor_with()
{
	local pid

	strace -f -o "$T/strace" "$@" enbdctl monitor >"$T/record.log" 2>&1 &
	tracer=$!
	wait_for 15 killed_or_healed
	pid=$(pgrep -P "$tracer") && kill "$pid"
	wait "$tracer"
} 2>/dev/null

lose
monitor_with
ok "monitor: brings the channel back" healed
mapfile -t list < <(phases $(((KILLS + 1) / 2)))
killed=0 bad=0
for phase in "${list[@]}"; do
	lose || bad=$((bad + 1))
	monitor_with -e "inject=${phase%:*}:signal=KILL:when=${phase#*:}"
	! grep -q 'killed by SIGKILL' "$T/strace" || killed=$((killed + 1))
	# The next one must not mind.
	start_monitor
	wait_for 15 healed || bad=$((bad + 1))
	kill_monitor TERM
done
diag "monitor: killed $killed times of ${#list[@]}"
num $killed -ge $((${#list[@]} / 2)) "monitor: killed in its phases"
is $bad 0 "monitor: the next one always brought the channel back"
ok "monitor: the device works" works
is "$(connections)" 2 "monitor: the server has no other connection"
ok "disconnect" disconnect /dev/nda
nothing_left monitor

done_testing
