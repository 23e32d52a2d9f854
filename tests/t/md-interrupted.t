#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The leg is lost while it is being copied to, with copies under way. In levels
# other than 1 md takes those for done, and its bitmap forgets them while the leg is
# away; the leg's own bitmap does not, and they are copied when it is back.

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
# The bitmap begins 8 KiB into the leg, its bits 256 bytes later.
told()
{
	/usr/bin/python3 -S -E - "$image" <<-'PY'
	import sys
	with open(sys.argv[1], 'rb') as f:
	    f.seek(8192 + 256)
	    n = bin(int.from_bytes(f.read(64), 'little')).count('1')
	sys.exit(n < 32)
	PY
}
copies_under_way()
{
	local count

	read -ra count <"/sys/block/$NAME/inflight"
	[ "${count[1]}" -ge 2 ]
}
forgotten()
{
	[ "$(dirty "${LEGS[0]}")" -lt "$bits" ]
}

for level in $MD_LEVELS; do
	truncate -s "${LEG_MB}M" "$image"
	serve "$image"
	need_connect "$URI" -n 2 --dead-timeout 0.25
	md_create "$level"
	ok "raid$level: no chunk is dirty" wait_for 60 md_settled
	serve_end -KILL
	wait_for 20 dev_is "$NAME" failed
	ok "raid$level: 160 writes" scatter 160
	ok "raid$level: the leg is out" wait_for 10 member_is faulty

	speed 100
	serve "$image"
	ok "raid$level: it is being copied to" wait_for 20 md_is sync_action recover
	ok "raid$level: and has the bitmap" wait_for 20 told
	bits=$(dirty "${LEGS[0]}")
	# What writes the bitmap also begins the copies, and is not to wait.
	quiet_md
	kill -STOP "$SERVED"
	speed 1000000
	ok "raid$level: copies are under way" wait_for 20 copies_under_way
	serve_end -KILL
	ok "raid$level: the leg is out again" wait_for 20 member_is faulty
	busy_md
	ok "raid$level: md forgets" wait_for 20 forgotten

	serve "$image"
	ok "raid$level: the leg is in the array again" wait_for 20 member_back
	ok "raid$level: in sync" wait_for 60 md_whole
	is "$(mismatches)" 0 "raid$level: no difference"

	md_stop
	ok "raid$level: disconnected" wait_for 10 disconnect
	serve_end
	rm -f "$image"
done
md_done
