# SPDX-License-Identifier: GPL-2.0
#
# Tests with md arrays on a network disk: the guest's own udevd with our rules and
# mdadm's, the monitor, a server that can go and come back. Source after enbd.sh.

MD=/dev/md0
MDSYS=/sys/block/md0/md	# use_array chooses another
LOOPS=()
UDEVD=			# process id of our own udevd
UDEV_RUN=		# /run/udev, if there was none before
LEG_MB=16
WAIT_STEP=0.02
case $ENBD_GUEST in
uml)	MD_LEVELS=${MD_LEVELS:-1 5 6 10} ;;
*)	MD_LEVELS=${MD_LEVELS:-1 6} ;;
esac
BITMAP_CHUNK=65536

# md_start: what a machine has running. The test is skipped where it cannot be.
md_start()
{
	local f udevd=

	command -v mdadm >/dev/null || md_skip "mdadm is missing"
	[ -e /proc/mdstat ] || modprobe -qa md-mod raid1 raid10 raid456 ||
		md_skip "the kernel has no md"
	for f in /lib/systemd/systemd-udevd /usr/lib/systemd/systemd-udevd; do
		[ -x "$f" ] && udevd=$f
	done
	[ -n "$udevd" ] || md_skip "no systemd-udevd installed"
	[ -e /run/udev ] || UDEV_RUN=/run/udev
	mkdir -p /run/udev/rules.d /run/mdadm
	sed "s|/usr/sbin/enbdctl|$ENBD_TREE/build/enbdctl|" \
		"$ENBD_TREE/udev/60-enbd.rules" >/run/udev/rules.d/60-enbd.rules
	# What udev starts knows of no other place.
	unset ENBD_RUN_DIR
	spawn udevd "$udevd"
	UDEVD=$PID
	wait_for 20 udevadm control --ping --timeout=1 ||
		md_skip "udevd does not run here: $(tail -n 1 "$T/udevd.log")"
	# As fast as it can; the guest has nothing else to do.
	echo 1000000 >/proc/sys/dev/raid/speed_limit_max
	echo 1000000 >/proc/sys/dev/raid/speed_limit_min
	start_monitor --max-backoff 0.2
}

md_skip()
{
	md_end
	clean_up
	skip_all "$1"
}

# md_end: no array, no loop devices, no udevd. The device may be gone already.
md_end()
{
	local l

	for l in /sys/block/md[0-9]*/md; do
		[ ! -e "$l" ] || wait_for 30 mdadm --stop "/dev/$(basename "${l%/md}")"
	done
	for l in "${LOOPS[@]}"; do
		losetup -d "$l" 2>/dev/null
	done
	LOOPS=()
	if [ -n "$UDEVD" ]; then
		# It is the one who takes their links away.
		no_devices || within 20 enbdctl disconnect --all --force >/dev/null 2>&1
		wait_for 10 no_devices
		udevadm settle --timeout=10
		udevadm control --exit 2>/dev/null
		wait_for 10 gone "$UDEVD"
		UDEVD=
	fi
	# mdadm leaves its links to udev where there is a /run/udev.
	[ -z "$UDEV_RUN" ] || rm -rf "$UDEV_RUN"
	rm -f /run/udev/rules.d/60-enbd.rules /run/enbd/*.lock /run/enbd/*.super /run/enbd/*.bits \
		/run/enbd/*.frozen /run/enbd/*.lost
}
trap 'md_end; clean_up; rm -f "$TAP_OUT"' EXIT

md_done()
{
	[ "$TAP_FAILED" -eq 0 ] || diag "$(cat /proc/mdstat)"
	md_end
	done_testing
}

# ---------------------------------------------------------------- the server

# serve IMAGE: enbd-server on a port of its own that it has again after
# serve_end. Sets SERVED.
serve()
{
	[ -n "${SERVE_PORT:-}" ] || { new_port; SERVE_PORT=$PORT; }
	[ -e "$T/boot" ] || echo first >"$T/boot"
	rm -f "$T/port"
	spawn enbd-server enbd-server "$SERVE_PORT" "$1" -f --bind 127.0.0.1 \
		--port-file "$T/port" --state-dir "$T/state" \
		--boot-id-file "$T/boot"
	SERVED=$PID
	await_server enbd-server "$T/port"
	PORT=$SERVE_PORT
	URI=nbd://127.0.0.1:$PORT
}

# serve_end [SIGNAL]: the server is gone.
serve_end()
{
	kill "${1:--TERM}" "$SERVED"
	wait_for 10 gone "$SERVED"
	wait "$SERVED" 2>/dev/null
}

# ---------------------------------------------------------------- arrays

# use_array NAME: the one that all else is about
use_array()
{
	MD=/dev/$1
	MDSYS=/sys/block/$1/md
}

md_attr()
{
	local value=

	read -r value 2>/dev/null <"$MDSYS/$1"
	echo "$value"
}

md_is()
{
	[ "$(md_attr "$1")" = "$2" ]
}

# What the array thinks of a member: "in_sync", "faulty", "spare" and so on
member_state()
{
	md_attr "dev-${1:-$NAME}/state"
}

member_is()
{
	[[ ,$(member_state "${2:-$NAME}"), == *",$1,"* ]]
}

# In the array and used, in sync or on the way to it
member_back()
{
	local state

	state=$(member_state "${1:-$NAME}")
	[ -n "$state" ] && [[ $state != *faulty* ]]
}

md_whole()
{
	md_is degraded 0 && md_is sync_action idle
}

# local_legs N: loop devices in memory. Sets LEGS.
local_legs()
{
	local i l

	LEGS=()
	for ((i = 0; i < $1; i++)); do
		truncate -s "${LEG_MB}M" "$T/leg${MD##*/}$i"
		l=$(losetup -f --show "$T/leg${MD##*/}$i") || die "losetup" "$l"
		LOOPS+=("$l")
		LEGS+=("$l")
	done
}

# md_create LEVEL [LEG]: an array of local legs and the network leg (DEV), with a
# real first sync.
md_create()
{
	local level=$1 remote=${2:-$DEV} options=()

	case $level in
	1) local_legs 1; options=(--write-mostly) ;;
	5) local_legs 2; options=(-c 64) ;;
	6 | 10) local_legs 3; options=(-c 64) ;;
	esac
	within 60 mdadm -C "$MD" --run -q -l "$level" -n $((${#LEGS[@]} + 1)) \
		-b internal --bitmap-chunk=64K --delay=1 -e 1.2 "${LEGS[@]}" \
		"${options[@]}" "$remote" >"$T/mdadm.log" 2>&1 ||
		die "mdadm -C" "$(cat "$T/mdadm.log")"
	wait_for 120 md_whole || die "first sync" "$(cat /proc/mdstat)"
	busy_md
}

# start_alone: the array, which was stopped, runs with its local legs. udev may be
# late with what happened to them, and have begun to put an array together.
start_alone()
{
	local state md

	udevadm settle --timeout=10
	for md in /sys/block/md[0-9]*; do
		read -r state 2>/dev/null <"$md/md/array_state"
		[ "$state" != inactive ] || mdadm -q --stop "/dev/${md##*/}"
	done
	mdadm -A --run -q "$MD" "${LEGS[@]}"
}

# scatter N [SEED [sync]]: so many writes of 4 KiB, each in a chunk of its own, the
# same ones for the same seed but with other data; flushed only with "sync"
scatter()
{
	within 60 /usr/bin/python3 -S -E - "$MD" "$1" "${2:-$RANDOM}" "${3:-}" <<-'PY'
	import mmap, os, random, sys
	dev, n, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	fd = os.open(dev, os.O_RDWR | os.O_DIRECT)
	size = os.lseek(fd, 0, os.SEEK_END)
	rnd = random.Random(seed)
	buf = mmap.mmap(-1, 4096)
	for chunk in rnd.sample(range(size // 65536), n):
	    buf[:] = os.urandom(4096)
	    os.pwrite(fd, buf, chunk * 65536 + rnd.randrange(16) * 4096)
	if sys.argv[4] == 'sync':
	    os.fsync(fd)
	PY
}

# quiet_md: from here on md flushes its members only where it has to set a bit
quiet_md()
{
	echo 0 >"$MDSYS/safe_mode_delay"
	echo 60 >"$MDSYS/bitmap/time_base"
}

# busy_md: it clears bits again, and soon. It cannot be started again like that: of
# less than a second md keeps 0, and refuses that. steady_md before it is stopped.
busy_md()
{
	echo 0.1 >"$MDSYS/bitmap/time_base"
}

steady_md()
{
	echo 1 >"$MDSYS/bitmap/time_base"
}

# power_cut IMAGE FLUSHED: the server's machine lost what it had not flushed: its
# image is what it was at the last flush, and it has booted again.
power_cut()
{
	serve_end -KILL
	cp --sparse=always "$2" "$1"
	echo "boot $RANDOM $(now_ms)" >"$T/boot"
}

# dirty LEG: chunks that are marked in the bitmap of a member
dirty()
{
	mdadm -X "$1" 2>/dev/null | sed -n 's/.*Bitmap :.* \([0-9]*\) dirty.*/\1/p'
}

# KiB that were written to the network leg since it was connected
leg_written()
{
	local fields

	read -ra fields <"/sys/block/$NAME/stat"
	echo $((fields[6] / 2))
}

# md_stop: the array is gone, and its local legs
md_stop()
{
	local l

	wait_for 30 mdadm --stop "$MD"
	wait_for 10 test ! -e "$MDSYS"
	for l in "${LOOPS[@]}"; do losetup -d "$l"; done
	LOOPS=()
	rm -f "$T"/leg*
}

start_check()
{
	echo check >"$MDSYS/sync_action"
}

# mismatches: of a full check, that was not broken off
mismatches()
{
	NOTES=$(now_ms)
	note
	wait_for 20 start_check || echo "no check begins"
	wait_for 120 md_is sync_action idle || echo "the check does not end"
	log_has "md: ${MD##*/}: (data-)?check done" >/dev/null ||
		echo "the check was not done"
	md_is last_sync_action check || echo "it was no check"
	md_attr mismatch_cnt
}

# No bit is set in the bitmap that the kernel has in memory.
bitmap_clean()
{
	grep -A 3 "^${MD##*/} " /proc/mdstat | grep -q 'bitmap: 0/'
}

md_settled()
{
	md_whole && bitmap_clean
}
