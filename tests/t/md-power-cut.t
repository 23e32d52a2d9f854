#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The server's power fails and it forgets writes that it had acknowledged but not
# flushed. nbd.ko and md go on as if nothing had been: the legs differ, and nobody
# knows. With enbd the leg is taken out, what may be lost is copied, and nothing
# else, by itself.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote

# prepare LEVEL LEG: an array with 64 chunks written and flushed, and then written
# again, which md's own bitmap writes do not flush since the bits are still set.
prepare()
{
	md_create "$1" "$2"
	wait_for 60 md_settled || die "the bitmap becomes clean" "$(cat /proc/mdstat)"
	quiet_md
	ok "$3: 64 writes, flushed" scatter 64 7 sync
	cp --sparse=always "$image" "$image.flushed"
	ok "$3: and written again, acknowledged" scatter 64 7
}

# ---- the control

if [ -e /proc/lockdep ]; then
	skip "nbd.ko" "lockdep complains of it under md"
elif [ -b /dev/nbd0 ] || modprobe nbd; then
	truncate -s "${LEG_MB}M" "$image"
	serve "$image"
	trap '"$ENBD_LIB/nbdlink.py" disconnect 2>/dev/null; md_end; clean_up; rm -f "$TAP_OUT"' EXIT
	ok "nbd.ko: attach" "$ENBD_LIB/nbdlink.py" connect "$PORT" 60
	NAME=nbd0
	prepare 1 /dev/nbd0 "nbd.ko"
	power_cut "$image" "$image.flushed"
	serve "$image"
	ok "nbd.ko: connected again" "$ENBD_LIB/nbdlink.py" reconnect "$PORT"
	ok "nbd.ko: the array is whole, it thinks" md_whole
	n=$(mismatches)
	ok "nbd.ko: but the legs differ ($n sectors)" test "$n" -gt 0
	md_stop
	"$ENBD_LIB/nbdlink.py" disconnect
	serve_end
	rm -f "$image"
else
	skip "nbd.ko" "the kernel does not have it"
fi

# ---- enbd

for level in $MD_LEVELS; do
	truncate -s "${LEG_MB}M" "$image"
	serve "$image"
	need_connect "$URI" -n 2 --dead-timeout 60
	for outage in short long; do
		name="raid$level, $outage outage"
		[ "$outage" = short ] || enbdctl set "$DEV" --dead-timeout 0.25
		prepare "$level" "$DEV" "$name"
		before=$(leg_written)
		more=0
		power_cut "$image" "$image.flushed"
		busy_md
		if [ "$outage" = long ]; then
			wait_for 20 dev_is "$NAME" failed
			ok "$name: 20 writes meanwhile" scatter 20
			ok "$name: the leg is out" wait_for 10 member_is faulty
			more=20
		else
			# The end of the writes is old enough for md; that the
			# leg has not flushed them it would only learn now.
			ok "$name: the bitmap forgets them" wait_for 20 md_waits "${MD##*/}"
			is "$(dev_state)" parked "$name: the leg is waited for"
		fi
		note
		serve "$image"
		ok "$name: what may be lost is marked" wait_for 20 log_has "$NAME: what its server may have forgotten"
		ok "$name: the leg is taken back" wait_for 20 log_has "$NAME: taken back"
		ok "$name: in sync again" wait_for 60 md_whole
		ok "$name: the leg is in it" member_is in_sync
		copied=$(($(leg_written) - before))
		limit=$(((64 + more) * BITMAP_CHUNK / 1024 + 256))
		ok "$name: $copied KiB were copied" test "$copied" -le "$limit"
		is "$(mismatches)" 0 "$name: no difference"
		md_stop
	done
	ok "raid$level: disconnected" wait_for 10 disconnect
	serve_end
	rm -f "$image"
done
md_done
