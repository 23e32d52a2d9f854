#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The machine dies while a mirror is being written to. It starts again with the
# local leg alone, and md forgets what was under way (raid1_run(), bitmap_load()).
# Re-added by hand, the network leg differs, and nobody knows. The bitmap on the
# leg itself still names those chunks, and enbdctl readd has them copied. A leg
# whose bitmap is gone is refused.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

rules=/run/udev/rules.d/60-enbd.rules
start_ro=/sys/module/md_mod/parameters/start_ro
seeds="1 2 3 4"
was_ro=
trap '[ -z "$was_ro" ] || echo "$was_ro" >"$start_ro"; md_end; clean_up; rm -f "$TAP_OUT"' EXIT
md_start
was_ro=$(cat "$start_ro")
echo 0 >"$start_ro"
image=$T/remote

# ---- the crash

# Up to which event chunks were clean: md forgets where that is the last one.
written_down()
{
	mdadm -X "${LEGS[0]}" | awk '/Events :/ { e = $3 }
		/Events Cleared :/ { c = $4 } END { exit e != c }'
}
# Writes to the local leg are done, those to the other have not reached its server.
in_flight()
{
	local here there

	read -ra here <"/sys/block/${LEGS[0]#/dev/}/inflight"
	read -ra there <"/sys/block/$NAME/inflight"
	[ "${there[1]}" -ge 4 ] && [ "${here[1]}" -eq 0 ]
}
# The data begin at 1 MiB.
same_data()
{
	cmp -s -i 1048576 "$T/local.crash" "$T/remote.crash"
}

truncate -s "${LEG_MB}M" "$image"
serve "$image"
need_connect "$URI" --dead-timeout 0.25
md_create 1
steady_md
echo 0 >"$MDSYS/safe_mode_delay"
scatter 1
wait_for 20 bitmap_clean || die "clean bitmap" "$(cat /proc/mdstat)"
wait_for 20 written_down || die "events cleared" "$(mdadm -X "${LEGS[0]}")"
quiet_md
for seed in $seeds; do
	scatter 4 "$seed" sync
done
freeze "$SERVED"
writers=()
for seed in $seeds; do
	spawn "writer$seed" scatter 4 "$seed"
	writers+=("$PID")
done
ok "writes are under way" wait_for 20 in_flight
cp "$T/legmd00" "$T/local.crash"
cp "$image" "$T/remote.crash"
nok "they are on one leg only" same_data

# What is left of the machine
serve_end -KILL
for w in "${writers[@]}"; do
	ends 20 "$w"
done
wait_for 30 mdadm -q --stop "$MD"
disconnect
wait_for 10 no_devices

# ---- and after

# up NAME: the machine has started without its server.
up()
{
	dd if="$T/local.crash" of="$T/legmd00" bs=1M conv=notrunc status=none
	blockdev --flushbufs "${LEGS[0]}"
	cp "$T/remote.crash" "$image"
	ok "$1: the array runs with its local leg" start_alone
	is "$(md_attr degraded)" 1 "$1: it is not whole"
}

# forgotten NAME: nothing is to be copied, for md.
forgotten()
{
	busy_md
	ok "$1: md forgets" wait_for 20 bitmap_clean
}

# reach: the server is there at last.
reach()
{
	note
	serve "$image"
	need_connect "$URI" --dead-timeout 0.25
}

# back NAME: udev has had the leg taken back.
back()
{
	ok "$1: taken back" wait_for 20 log_has "$NAME: taken back"
	ok "$1: whole" wait_for 20 md_whole
	ok "$1: the leg is in it" member_is in_sync
	copied=$(leg_written)
	ok "$1: $copied KiB were copied" test "$copied" -le $((16 * BITMAP_CHUNK / 1024 + 256))
	is "$(mismatches)" 0 "$1: no difference"
}

down()
{
	wait_for 30 mdadm -q --stop "$MD"
	disconnect
	wait_for 10 no_devices
	serve_end
}

mv "$rules" "$T/rules"
udevadm control --reload
up "by hand"
forgotten "by hand"
reach
ok "by hand: re-added" wait_for 10 mdadm -q "$MD" --re-add "$DEV"
ok "by hand: the array is whole, it thinks" wait_for 20 md_whole
n=$(mismatches)
ok "by hand: but the legs differ ($n sectors)" test "$n" -gt 0
down
mv "$T/rules" "$rules"
udevadm control --reload

up "readd"
forgotten "readd"
reach
back "readd"
down

# As Debian has it: nothing is written to the disks until somebody writes.
echo 1 >"$start_ro"
up "read-only at first"
is "$(md_attr array_state)" read-auto "read-only at first: it is"
reach
back "read-only at first"
down
echo 0 >"$start_ro"

up "no bitmap"
dd if=/dev/zero of="$image" bs=512 seek=16 count=1 conv=notrunc status=none
reach
ok "no bitmap: refused" wait_for 10 log_has "not taken back into /dev/md0: .*it has no bitmap; add it anew"
is "$(member_state)" "" "no bitmap: it stays out"
down
md_done
