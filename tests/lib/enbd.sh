# SPDX-License-Identifier: GPL-2.0
#
# What the tests of the driver share: servers, devices, waiting, cleaning up.
# Source it first; end the test with done_testing.
#
# A test runs as root in a guest (tests/vm/run), where every file it makes is
# on a tmpfs. It leaves the guest as it found it: the EXIT trap ends servers
# and devices and unloads the module, so the next test of the same boot starts
# from nothing.

ENBD_TREE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
ENBD_LIB=$ENBD_TREE/tests/lib
ENBD_TEST=$(basename "$0" .t)
export PATH=$ENBD_TREE/build:$ENBD_TREE/build/torture:$PATH:/usr/sbin:/sbin
export LC_ALL=C

. "$ENBD_LIB/tap.sh"

[ -n "${ENBD_GUEST:-}" ] ||
	skip_all "needs a guest: tests/vm/run --kernel uml -- prove tests/t/$ENBD_TEST.t"
[ "$(id -u)" = 0 ] || skip_all "needs root in the guest"

T=$(mktemp -d "/tmp/enbd-$ENBD_TEST.XXXXXX")
export ENBD_RUN_DIR=$T/run
PIDS=()			# servers and loads to end
NEXT_PORT=21000
DEV=			# the device that connect made last, /dev/nda
NAME=			# its name, nda
MARK="enbd-test $ENBD_TEST $$ begins"

# How slow the guest is. SLOW stretches deadlines, LOAD divides amounts.
case $ENBD_GUEST in
uml)		SLOW=1 LOAD=1 ;;
uml-debug)	SLOW=3 LOAD=4 ;;
*)		SLOW=6 LOAD=8 ;;
esac

# scale N [MIN]: an amount of work that this guest does in the same time.
scale()
{
	local n=$(($1 / LOAD)) min=${2:-1}

	echo $((n < min ? min : n))
}

# long SHORT LONG: an amount for "make check", and for "make torture".
long()
{
	if [ -z "${ENBD_LONG:-}" ]; then echo "$1"; else echo "$2"; fi
}

# ---------------------------------------------------------------- waiting

# A pipe that nobody writes: reading it with a time limit is a nap that does
# not start a process.
exec {NAP}<> <(:)

# wait_for SECONDS COMMAND...: until it succeeds; false at the deadline. It is tried
# again every WAIT_STEP seconds.
wait_for()
{
	local end=$((SECONDS + $1 * SLOW + 1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		read -rt "${WAIT_STEP:-0.05}" -u "$NAP"
	done
	return 0
}

# within SECONDS COMMAND...: it ends by itself, with its own status, in time.
within()
{
	local s=$(($1 * SLOW))

	shift
	timeout -k 2 "$s" "$@"
}

now_ms()
{
	local t=${EPOCHREALTIME/./}

	echo $((t / 1000))
}

# seconds MS: as options take them.
seconds()
{
	printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

# gone PID: it has ended; a child that nobody has waited for yet may be a zombie.
gone()
{
	local stat

	read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
	stat=${stat##*) }
	[ "${stat%% *}" = Z ]
}

# ends SECONDS PID: its exit status, or 124 if it is still running then.
ends()
{
	wait_for "$1" gone "$2" || return 124
	wait "$2"
}

# md_waits ARRAY: its thread waits for a disk. When nothing is written to the array,
# that is for the bitmap, and bits that it clears are gone from memory by then.
# (/proc/mdstat cannot be read meanwhile.)
md_waits()
{
	local f stat

	for f in /proc/[0-9]*/stat; do
		read -r stat 2>/dev/null <"$f" || continue
		[[ $stat != *"($1_raid"*") D "* ]] || return 0
	done
	return 1
}

# all_stopped PID: each of its threads
all_stopped()
{
	local f stat

	for f in /proc/"$1"/task/*/stat; do
		read -r stat 2>/dev/null <"$f" || continue
		[[ $stat == *") T "* ]] || return 1
	done
}

# freeze PID: it does nothing any more. The signal alone does not say so: a thread
# that has work may go on until another one has come to run and stopped them all.
freeze()
{
	kill -STOP "$1" && wait_for 10 all_stopped "$1" || die "frozen" "process $1"
}

# ---------------------------------------------------------------- servers

new_port()
{
	NEXT_PORT=$((NEXT_PORT + 1))
	PORT=$NEXT_PORT
}

# spawn NAME COMMAND...: in the background, its output in $T/NAME.log, ended
# by the cleanup. Sets PID.
spawn()
{
	local log=$T/$1.log

	shift
	"$@" >"$log" 2>&1 </dev/null &
	PID=$!
	PIDS+=("$PID")
}

spawned_ready()
{
	[ -s "$1" ] || gone "$2"
}

# await_server WHAT FILE: the file it writes when it listens is there.
await_server()
{
	wait_for 20 spawned_ready "$2" "$PID"
	[ -s "$2" ] || die "$1 starts" "$(tail -n 5 "$T/$1.log" 2>/dev/null)"
}

# start_server [-o OPTIONS] FILE...: enbd-server, or with
# ENBD_TEST_SERVER=nbdkit nbdkit's file plugin. Sets PORT, URI, PID.
start_server()
{
	local opts=()

	if [ "$1" = -o ]; then
		read -ra opts <<<"$2"
		shift 2
	fi
	if [ "${ENBD_TEST_SERVER:-enbd}" = nbdkit ]; then
		start_nbdkit file "$1"
		return
	fi
	rm -f "$T/port"
	spawn enbd-server enbd-server 0 "$@" -f --bind 127.0.0.1 \
		--port-file "$T/port" --state-dir "$T/state" "${opts[@]}"
	await_server enbd-server "$T/port"
	PORT=$(cat "$T/port")
	URI=nbd://127.0.0.1:$PORT
}

# start_nbdkit ARGUMENTS...: nbdkit on a fresh port. Sets PORT, URI, PID.
start_nbdkit()
{
	new_port
	rm -f "$T/nbdkit.pid"
	spawn nbdkit nbdkit -f -i 127.0.0.1 -p "$PORT" -P "$T/nbdkit.pid" "$@"
	await_server nbdkit "$T/nbdkit.pid"
	URI=nbd://127.0.0.1:$PORT
}

start_qemu_nbd()
{
	new_port
	rm -f "$T/qemu.pid"
	spawn qemu-nbd qemu-nbd -t -b 127.0.0.1 -p "$PORT" \
		--pid-file="$T/qemu.pid" "$@"
	await_server qemu-nbd "$T/qemu.pid"
	URI=nbd://127.0.0.1:$PORT
}

# stop_server PID: it is gone when this returns.
stop_server()
{
	kill "$1" 2>/dev/null
	wait_for 5 gone "$1" || kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

# start_again PORT FILE...: enbd-server once more. Sets PID.
start_again()
{
	local port=$1

	shift
	rm -f "$T/port"
	spawn enbd-server enbd-server "$port" "$@" -f --bind 127.0.0.1 \
		--port-file "$T/port" --state-dir "$T/state"
	await_server enbd-server "$T/port"
}

# start_monitor [OPTION...]: enbdctl monitor, looking after all devices when this
# returns. Its lines go to MONITOR_LOG, or $T/monitor.log. Sets MONITOR.
start_monitor()
{
	rm -f "$T/ready.told" "$T/ready.listening"
	[ -z "${NOTIFIED:-}" ] || kill "$NOTIFIED" 2>/dev/null
	spawn notified "$ENBD_LIB/notified.py" "$T/ready"
	NOTIFIED=$PID
	await_server notified "$T/ready.listening"
	# shellcheck disable=SC2016
	spawn monitor env NOTIFY_SOCKET="$T/ready" sh -c 'exec enbdctl monitor "$@" 2>>"$0"' \
		"${MONITOR_LOG:-$T/monitor.log}" "$@"
	MONITOR=$PID
	await_server monitor "$T/ready.told"
}

# start_proxy PORT: a TCP proxy in front of it that can cut and hold single
# connections; see proxy.py for its commands. Sets PROXY_CTL and URI.
start_proxy()
{
	rm -f "$T/proxy.ports"
	spawn proxy "$ENBD_LIB/proxy.py" --to "$1" --port-file "$T/proxy.ports"
	await_server proxy "$T/proxy.ports"
	read -r PORT PROXY_CTL <"$T/proxy.ports"
	URI=nbd://127.0.0.1:$PORT
}

# proxy COMMAND: prints the answer, false unless it begins with "ok".
proxy()
{
	local answer

	exec 9<>"/dev/tcp/127.0.0.1/$PROXY_CTL" || return 1
	echo "$*" >&9
	read -r answer <&9
	exec 9>&-
	echo "$answer"
	[[ $answer == ok* ]]
}

# proxy_at CONTROL COMMAND...: one of several
proxy_at()
{
	local PROXY_CTL=$1

	shift
	proxy "$@"
}

# start_hostile MODE... [OPTIONS]: servers that do wrong, see hostile.py, all in
# one process. Sets PORT and URI of the first; hostile MODE those of another.
start_hostile()
{
	rm -f "$T/hostile.ports"
	spawn hostile "$ENBD_LIB/hostile.py" --port-file "$T/hostile.ports" "$@"
	await_server hostile "$T/hostile.ports"
	hostile "$1"
}

hostile()
{
	PORT=$(awk -v m="$1" '$1 == m { print $2 }' "$T/hostile.ports")
	URI=nbd://127.0.0.1:$PORT
}

# ---------------------------------------------------------------- loads

# start_history [OPTIONS...]: a load that checks all it reads until end_history,
# which is false if an answer was wrong or an error; the device must be zeroes.
start_history()
{
	spawn history nice history-check --device "$DEV" --log "$T/violation" \
		--stats "$T/history" --stuck $((60 * SLOW)) "$@"
	HISTORY=$PID
}

end_history()
{
	kill "$HISTORY" 2>/dev/null
	ends 60 "$HISTORY" && return 0
	cat "$T/history.log"
	head -n 40 "$T/violation" 2>/dev/null
	return 1
}

# ---------------------------------------------------------------- devices

load_module()
{
	[ -d /sys/module/enbd ] || modprobe enbd ||
		die "modprobe enbd" "$(dmesg | tail -n 5)"
}

# rmmod_may: would it take the devices along? Not with lockdep, where each of
# their sockets keeps the module.
rmmod_may()
{
	[ "$(cat /sys/module/enbd/refcnt)" = 0 ]
}

# connect ARGUMENTS...: enbdctl connect. Sets DEV and NAME; false on failure
# with the message in $T/connect.err.
connect()
{
	DEV=$(within 30 enbdctl connect "$@" 2>"$T/connect.err") || {
		cat "$T/connect.err"
		return 1
	}
	DEV=${DEV##*$'\n'}
	NAME=${DEV#/dev/}
	[ -b "$DEV" ]
}

# need_connect ARGUMENTS...: the test cannot go on without.
need_connect()
{
	connect "$@" || die "enbdctl connect $*" "$(cat "$T/connect.err")"
}

disconnect()
{
	within 20 enbdctl disconnect "${1:-$DEV}"
}

# Prints a value of enbdctl status --json: field 'dev["size"]', with
# dev the device, ch its channels, s the whole.
field()
{
	enbdctl status ${2:-$DEV} --json >"$T/status.json" 2>"$T/status.err" || {
		cat "$T/status.err" >&2
		return 1
	}
	/usr/bin/python3 -S -E -c '
import json, sys
s = json.load(open(sys.argv[1]))
dev = (s["devices"] or [{}])[0]
ch = dev.get("channels", [])
r = eval(sys.argv[2])
print(r if not isinstance(r, bool) else str(r).lower())
' "$T/status.json" "$1"
}

# Cheaper than field, for polling: dev_state nda, chan_state nda 0.
dev_state()
{
	local state=

	read -r state 2>/dev/null <"/sys/block/${1:-$NAME}/enbd/state"
	echo "$state"
}

# chan_values ATTRIBUTE [NAME]: of all channels in order, in one line. With
# nothing but builtins: a fork costs a tenth of a second in an emulated guest.
chan_values()
{
	local dir=/sys/block/${2:-$NAME}/channel value values=() i

	for ((i = 0; i < 64; i++)); do
		[ -d "$dir$i" ] || continue
		value=
		read -r value 2>/dev/null <"$dir$i/$1"
		values+=("$value")
	done
	echo "${values[*]}"
}

chan_sum()
{
	local values

	read -ra values <<<"$(chan_values "$@")"
	echo $((0${values[*]/#/+}))
}

chan_min()
{
	local v min=

	for v in $(chan_values "$@"); do
		[ -n "$min" ] && [ "$min" -le "$v" ] || min=$v
	done
	echo "$min"
}

chan_state()
{
	local state=

	read -r state 2>/dev/null <"/sys/block/$1/channel$2/state"
	echo "$state"
}

dev_is()
{
	[ "$(dev_state "$1")" = "$2" ]
}

chan_is()
{
	[ "$(chan_state "$1" "$2")" = "$3" ]
}

# The port of this end of channel $1, by which the proxy knows it.
chan_port()
{
	local name

	read -r name <"/sys/block/$NAME/channel$1/local"
	echo "${name##*:}"
}

# lost_one: one of channels 0 and 1 is, sets LOST.
lost_one()
{
	for LOST in 0 1; do
		chan_is "$NAME" $LOST lost && return 0
	done
	return 1
}

no_devices()
{
	! compgen -G '/sys/block/nd[a-z]*' >/dev/null
}

dev_bytes()
{
	blockdev --getsize64 "${1:-$DEV}"
}

# What the kernel said since the test began.
kernel_log()
{
	dmesg | sed "1,/$MARK/d"
}

# note: from here on log_has looks only at what comes later.
note()
{
	NOTE="enbd-test $ENBD_TEST $$ note $((++NOTES))"
	echo "$NOTE" >/dev/kmsg
}

log_has()
{
	dmesg | sed "1,/$NOTE\$/d" | grep -E -- "$1"
}

# ---------------------------------------------------------------- counting

# Sockets that exist: those that somebody refers to, in whatever state, and
# TCP's own, which may outlive them; without TIME_WAIT.
count_sockets()
{
	awk '/^sockets:/ { n = $3 } /^TCP:/ { n += $9 } END { print n }' \
		/proc/net/sockstat
}

count_threads()
{
	local n=0 c comm

	# An idle worker of the kernel's shared pools carries the name of the last
	# work it did; a workqueue's own rescuer (R-) and kthreads count.
	for c in /proc/[0-9]*/comm; do
		read -r comm 2>/dev/null <"$c" || continue
		case $comm in
		kworker/R-enbd* | kworker/R-nd[a-z]*) n=$((n + 1)) ;;
		kworker/* | enbdctl | enbd-server) ;;
		*enbd* | nd[a-z]*) n=$((n + 1)) ;;
		esac
	done
	echo $n
}

# count_slab NAME: objects in use, empty if there is no such cache.
count_slab()
{
	awk -v n="$1" '$1 == n { print $2 }' /proc/slabinfo 2>/dev/null
}

# ---------------------------------------------------------------- the end

# Traces of a sick kernel; the runner looks for them too, at the guest's end.
SICK='BUG:|BUG |WARNING:|KASAN|UBSAN|Oops|general protection'
SICK="$SICK|INFO: task .* blocked|possible recursive locking|circular locking"
SICK="$SICK|suspicious RCU|inconsistent lock state|refcount_t:|list_add corr"
SICK="$SICK|Call Trace|sleeping function|ODEBUG|workqueue: .*hogged"

end_loads()
{
	local p

	for p in "${PIDS[@]}"; do
		kill "$p" 2>/dev/null
	done
	for p in "${PIDS[@]}"; do
		wait_for 5 gone "$p" || kill -9 "$p" 2>/dev/null
		wait "$p" 2>/dev/null
	done
	PIDS=()
}

# Undoes all; the order matters: mounts, then devices, then servers.
clean_up()
{
	local m ns

	while read -r _ m _; do
		[[ $m == "$T"/* ]] && umount -l "$m" 2>/dev/null
	done </proc/mounts
	if [ -d /sys/module/enbd ]; then
		no_devices || within 20 enbdctl disconnect --all --force \
			>/dev/null 2>&1
		wait_for 10 no_devices
	fi
	end_loads
	for ns in $(ip netns list 2>/dev/null | awk '/^enbd-/ { print $1 }'); do
		ip netns del "$ns"
	done
	[ ! -d /sys/module/enbd ] || wait_for 10 rmmod enbd
	! command -v nft >/dev/null || nft delete table inet enbd 2>/dev/null
	rm -rf "$T"
}

# What the programs of a test that failed said at last
last_words()
{
	local f

	for f in "$T"/*.log; do
		[ ! -s "$f" ] || diag "$(basename "$f"):
$(tail -n 5 "$f")"
	done
}

done_testing()
{
	if [ $TAP_FAILED -ne 0 ]; then
		diag "$(kernel_log | tail -n 20)"
		last_words
	fi
	clean_up
	ok "nothing is left: no device, no module" not_left
	if kernel_log | grep -E "$SICK" >"$TAP_OUT"; then
		fail "the kernel has nothing to complain about"
		diag "$(head -n 5 "$TAP_OUT")"
	else
		pass "the kernel has nothing to complain about"
	fi
	rm -f "$TAP_OUT"
	trap - EXIT
	echo "1..$TAP_N"
	exit $((TAP_FAILED > 0))
}

not_left()
{
	no_devices && [ ! -d /sys/module/enbd ]
}

trap 'clean_up; rm -f "$TAP_OUT"' EXIT
trap 'exit 130' INT TERM
NOTE=$MARK
NOTES=0
echo "$MARK" >/dev/kmsg
[ -n "${WITHOUT_MODULE:-}" ] || load_module
