#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The leg is lost while it is being copied to, with copies under way. In levels
# other than 1 md takes those for done, and its bitmap forgets them while the leg is
# away. They are copied when it is back: the leg's own bitmap has them, or, where it
# had not got that yet, what was kept when it was taken back.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote

# speed KIB: of copying, in a second
speed()
{
	echo "$1" >"$MDSYS/sync_speed_max"
	echo "$1" >"$MDSYS/sync_speed_min"
}
# told: the leg's own bitmap has many bits. It begins 8 KiB into the leg, its bits 256
# bytes later; level 10 counts chunks of the array, the others those of a member.
told()
{
	local kib

	kib=$(md_attr component_size)
	[ "$level" != 10 ] || kib=$(($(<"/sys/block/${MD##*/}/size") / 2))
	/usr/bin/python3 -S -E - "$image" $((kib / 64)) <<-'PY'
	import sys
	count = int(sys.argv[2])
	with open(sys.argv[1], 'rb') as f:
	    f.seek(8192 + 256)
	    bits = int.from_bytes(f.read((count + 7) // 8), 'little') & ((1 << count) - 1)
	sys.exit(bin(bits).count('1') < 32)
	PY
}
not()
{
	! "$@"
}
copies_under_way()
{
	local count

	read -ra count <"/sys/block/$NAME/inflight"
	[ "${count[1]}" -ge 2 ]
}
nothing_under_way()
{
	local count

	read -ra count <"/sys/block/$NAME/inflight"
	[ "${count[1]}" -eq 0 ]
}
forgotten()
{
	[ "$(dirty "${LEGS[0]}")" -lt "$bits" ]
}

no_readd()
{
	! pgrep -f "enbdctl readd"
}

# killed_in_readd: mdadm has the array frozen and goes on, but who has called it does
# not, and can do nothing about the leg's own bitmap.
killed_in_readd()
{
	local end=$((SECONDS + 20))

	chrt -f -p 1 $BASHPID
	# Not by an mdadm that udev has started
	until { [ -e "/run/enbd/$NAME.frozen" ] && md_is sync_action frozen; } ||
		[ $SECONDS -ge $end ]; do
		read -rt 0.001 -u "$NAP"
	done
	pkill -KILL -f "enbdctl readd"
	chrt -o -p 0 $BASHPID
	[ $SECONDS -lt $end ] && wait_for 10 no_readd
}

# copied_to HOW: the leg is back and is being copied to, slowly. It has got the bitmap
# ("own"), or nobody has seen to that ("kept").
copied_to()
{
	[ "$1" = own ] || quiet_md
	serve "$image"
	if [ "$1" = own ]; then
		ok "$what: it is being copied to" wait_for 20 md_is sync_action recover
		ok "$what: and has the bitmap" wait_for 20 told
		# What writes the bitmap also begins the copies, and is not to wait.
		quiet_md
	else
		ok "$what: who has taken it back is killed" killed_in_readd
		ok "$what: it is being copied to" wait_for 20 md_is sync_action recover
	fi
}

# untold: as if md had not yet written its bitmap to the leg
untold()
{
	dd if=/dev/zero of="$image" bs=64 seek=132 count=1 conv=notrunc status=none
	! told
}

# lost_in_copy HOW: false if md came to something else than copying just then.
lost_in_copy()
{
	local met

	ok "$what: no chunk is dirty" wait_for 60 md_settled
	ok "$what: so says the leg" wait_for 20 not told
	# One that still looks would be faster than the one that is killed.
	wait_for 20 no_readd
	serve_end -KILL
	wait_for 20 dev_is "$NAME" failed
	ok "$what: 160 writes" scatter 160
	ok "$what: the leg is out" wait_for 10 member_is faulty

	speed 100
	copied_to "$1"
	bits=$(dirty "${LEGS[0]}")
	# A write of md's own would keep it from copying.
	wait_for 5 nothing_under_way
	kill -STOP "$SERVED"
	speed 1000000
	wait_for 5 copies_under_way
	met=$?
	serve_end -KILL
	ok "$what: the leg is out again" wait_for 20 member_is faulty
	return $met
}

back()
{
	busy_md
	serve "$image"
	ok "$what: the leg is in the array again" wait_for 20 member_back
	ok "$what: in sync" wait_for 60 md_whole
	is "$(mismatches)" 0 "$what: no difference"
}

interrupted()
{
	local what="raid$level, $1" bits try

	for try in 1 2 3 4 5 6; do
		! lost_in_copy "$1" || break
		back
	done
	ok "$what: copies were under way (attempt $try)" test "$try" -lt 6
	if [ "$1" = kept ]; then
		ok "$what: without its bitmap" untold
		like "$(ls /run/enbd)" "\.bits" "$what: but what it lacks is kept"
	fi
	busy_md
	ok "$what: md forgets" wait_for 20 forgotten
	back
}

for level in $MD_LEVELS; do
	truncate -s "${LEG_MB}M" "$image"
	serve "$image"
	need_connect "$URI" -n 2 --dead-timeout 0.25
	md_create "$level"
	interrupted own
	interrupted kept
	md_stop
	ok "raid$level: disconnected" wait_for 10 disconnect
	serve_end
	rm -f "$image"
done
md_done
