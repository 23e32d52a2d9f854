#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Memory that is short because of a device cannot stop the monitor that must
# bring the device back: it is locked in memory, allocates without I/O, is no
# victim of the OOM killer, and reconnects from inside the very memory cgroup
# that is full of the device's dirty pages.
#
#     memory cgroup                       outside
#     +---------------------------+
#     | monitor                   |
#     | dd -> /dev/nda (buffered) |--- nda ---- server: killed, restarted
#     | dd <- /dev/ndb (buffered) |--- ndb ---- server
#     +---------------------------+

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/monitor.sh"

mkdir "$T/cg"
mount -t cgroup2 none "$T/cg" 2>/dev/null || skip_all "no cgroup2 here"
if ! grep -qw memory "$T/cg/cgroup.controllers"; then
	umount "$T/cg"
	skip_all "no memory controller"
fi
group=$T/cg/enbd-test

end_cgroup()
{
	echo "$dirty" >/proc/sys/vm/dirty_ratio
	clean_up
	wait_for 10 rmdir "$group"
	umount "$T/cg"
	rm -rf "$T" "$TAP_OUT"
}
trap end_cgroup EXIT

# Half of the cgroup may be dirty; the rest is full of what was read, else the
# kernel would have to kill somebody for whatever it cannot do without.
limit=40
dirty=$(cat /proc/sys/vm/dirty_ratio)
echo $((limit << 19)) >/proc/sys/vm/dirty_bytes
echo +memory >"$T/cg/cgroup.subtree_control"
mkdir "$group"
echo "${limit}M" >"$group/memory.max"
echo 0 >"$group/memory.swap.max" 2>/dev/null

truncate -s 128M "$T/disk" "$T/other"
start_server "$T/other"
need_connect "$URI" /dev/ndb
start_server "$T/disk"
server=$PID port=$PORT
need_connect "$URI" -n 2 /dev/nda

echo $$ >"$group/cgroup.procs"
start_monitor --max-backoff 1
echo $$ >"$T/cg/cgroup.procs"

# flusher TASK: PF_MEMALLOC_NOIO and PF_LOCAL_THROTTLE, which PR_SET_IO_FLUSHER sets
flusher()
{
	local stat words

	read -r stat <"$1/stat" || return 1
	read -ra words <<<"${stat##*) }"
	[ $((words[6] & 0x180000)) = $((0x180000)) ]
}

all_flushers()
{
	local task n=0

	for task in "/proc/$MONITOR/task"/*; do
		flusher "$task" || return 1
		n=$((n + 1))
	done
	echo "$n tasks"
	[ $n -gt 1 ]
}

locked_kb()
{
	awk '/^VmLck:/ { print $2 }' "/proc/$MONITOR/status"
}

is "$(grep -c . "/proc/$MONITOR/cgroup") $(cat "$group/cgroup.procs" | grep -cx "$MONITOR")" \
	"1 1" "the monitor is in the cgroup"
is "$(cat "/proc/$$/oom_score_adj")" 0 "who starts it may be killed"
is "$(cat "/proc/$MONITOR/oom_score_adj")" -1000 "the monitor may not"
nok "who starts it waits for I/O to allocate" flusher "/proc/$$"
ok "the monitor does not, nor do its threads" all_flushers
num "$(locked_kb)" -ge "$(awk '/^VmRSS:/ { print $2 }' "/proc/$MONITOR/status")" \
	"all of it is locked in memory"

: >"$T/writer.log"
spawn writer bash -c 'echo $$ >"$1"
	while dd if=/dev/zero of="$2" bs=1M count=100 conv=notrunc; do
		echo round
	done 2>/dev/null' - "$group/cgroup.procs" "$DEV"
writer=$PID
spawn reader bash -c 'echo $$ >"$1"
	while dd if=/dev/ndb of=/dev/null bs=1M; do :; done 2>/dev/null' - "$group/cgroup.procs"

# short: there is no room, and much of it is pages that only the device can take
short()
{
	[ "$(awk '/^file_(dirty|writeback) / { n += $2 } END { print int(n / 1048576) }' \
		"$group/memory.stat")" -ge $((limit / 4)) ] &&
		[ $(($(cat "$group/memory.current") >> 20)) -ge $((limit * 9 / 10)) ]
}

rounds()
{
	grep -c round "$T/writer.log"
}

more_rounds()
{
	[ "$(rounds)" -gt $((had + 1)) ]
}

for i in 1 2 3; do
	had=$(rounds)
	ok "the device is written to" wait_for 20 more_rounds
	kill -9 "$server"
	wait "$server" 2>/dev/null
	ok "the server is killed: no channel" wait_for 10 dev_is "$NAME" parked
	ok "memory is short" wait_for 10 short
	start_again "$port" "$T/disk"
	server=$PID
	wait_for 20 dev_is "$NAME" up ||
		die "the server is back: so is the device" "$(tail -n 3 "$T/monitor.log")"
	pass "the server is back: so is the device"
done
had=$(rounds)
ok "the writer goes on" wait_for 20 more_rounds
ok "it lives" kill -0 "$writer"
ok "the monitor lives" kill -0 "$MONITOR"
is "$(awk '/^oom_kill / { print $2 }' "$group/memory.events")" 0 \
	"nobody was killed for want of memory"
ok "its threads are still as they were" all_flushers
loads()
{
	grep -vxE "$MONITOR|$NOTIFIED" "$group/cgroup.procs"
}
no_loads()
{
	kill -9 $(loads)
	[ -z "$(loads)" ]
}
ok "the loads end" wait_for 20 no_loads
head -c 8M /dev/urandom >"$T/data"
ok "what is written now" dd if="$T/data" of="$DEV" bs=1M conv=fsync,notrunc
ok "is in the server's file" cmp -n 8M "$T/data" "$T/disk"
kill_monitor TERM
ok "disconnect" enbdctl disconnect --all

echo "$dirty" >/proc/sys/vm/dirty_ratio
wait_for 10 rmdir "$group"
umount "$T/cg"
done_testing
