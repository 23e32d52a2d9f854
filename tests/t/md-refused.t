#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Legs that must not be taken back: one that was used without the others, one
# without a superblock, a leg of another array, a copy of the local leg, and a stale
# one whose array has no bitmap, nobody else with the data, or cannot do without. An
# array without such a leg starts again.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote
truncate -s "${LEG_MB}M" "$image"
serve "$image"
need_connect "$URI" --dead-timeout 0.25
md_create 1
cp --sparse=always "$T/legmd00" "$T/local"

# out: the server is gone, and the array has noticed.
out()
{
	serve_end -KILL
	wait_for 20 dev_is "$NAME" failed && scatter 8 && wait_for 10 member_is faulty
}

# refused WHAT WHY: the server comes back with what lies in the image now.
refused()
{
	note
	serve "$image"
	ok "$1: up" wait_for 20 dev_is "$NAME" up
	ok "$1: refused" wait_for 10 log_has "enbdctl: /dev/$NAME: not taken back into /dev/md0: .*$2" ||
		diag "$(log_has enbdctl)"
	ok "$1: it stays out" member_is faulty
}

# superblock EVENTS FAULTY: what it says when another machine has used the leg: so
# many events more, and the other leg gone (-1: not).
superblock()
{
	/usr/bin/python3 -S -E - "$image" "$1" "$2" <<-'PY'
	import struct, sys
	path, more, faulty = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	with open(path, 'r+b') as f:
	    f.seek(4096)
	    sb = bytearray(f.read(4096))
	    events, = struct.unpack_from('<Q', sb, 200)
	    struct.pack_into('<Q', sb, 200, events + more)
	    if faulty >= 0:
	        struct.pack_into('<H', sb, 256 + 2 * faulty, 0xfffe)
	    struct.pack_into('<I', sb, 216, 0)
	    size = 256 + 2 * struct.unpack_from('<I', sb, 220)[0]
	    n = sum(struct.unpack_from('<%dI' % (size // 4), sb))
	    struct.pack_into('<I', sb, 216, ((n & 0xffffffff) + (n >> 32)) & 0xffffffff)
	    f.seek(4096)
	    f.write(sb)
	PY
}

ok "outage" out
cp --sparse=always "$image" "$T/right"
superblock 2 0
refused "used alone" "lived on alone"

ok "outage" out
cp --sparse=always "$T/right" "$image"
superblock 1000 -1
refused "newer" "newer than the array"

ok "outage" out
cp --sparse=always "$T/right" "$image"
dd if=/dev/zero of="$image" bs=4096 seek=1 count=1 conv=notrunc status=none
refused "without a superblock" "no superblock, or a damaged one; add it anew"

ok "outage" out
cp --sparse=always "$T/local" "$image"
refused "a copy of the local leg" "copy of another member"

ok "outage" out
truncate -s "${LEG_MB}M" "$T/x" "$T/y"
x=$(losetup -f --show "$T/x") y=$(losetup -f --show "$T/y")
within 30 mdadm -C /dev/md8 --run -q -l 1 -n 2 -e 1.2 --assume-clean "$x" "$y" >/dev/null 2>&1
wait_for 20 mdadm -S -q /dev/md8
udevadm settle --timeout=10
losetup -d "$x" && losetup -d "$y"
cp --sparse=always "$T/y" "$image"
refused "a leg of another array" "another array"

ok "outage" out
cp --sparse=always "$T/right" "$image"
note
serve "$image"
ok "the right leg is taken back" wait_for 20 log_has "taken back"
ok "in sync" wait_for 60 md_whole
is "$(mismatches)" 0 "no difference"

# When md takes a member back it says on it first that it is a spare. One that is
# lost right then is known by what readd has kept.
ok "outage" out
dd if="$image" of="/run/enbd/$NAME.super" bs=4096 skip=1 count=1 status=none
superblock 1 1
note
serve "$image"
ok "a leg that was lost while it came back is taken back" wait_for 20 log_has "taken back"
ok "in sync again" wait_for 60 md_whole
is "$(mismatches)" 0 "no difference again"

ok "outage" out
rm "/run/enbd/$NAME.super"
cp --sparse=always "$image" "$T/right"
superblock 1 1
refused "a spare of which nothing is known" "no place"
cp --sparse=always "$T/right" "$image"
enbdctl readd --wait 0 "$DEV"
wait_for 60 md_whole

enbdctl set "$DEV" --dead-timeout 60
mdadm --grow -q --bitmap=none "$MD"
echo 0 >"$MDSYS/safe_mode_delay"
scatter 8 3 sync
cp --sparse=always "$image" "$image.flushed"
scatter 8 3
power_cut "$image" "$image.flushed"
note
serve "$image"
ok "stale without a bitmap: refused" wait_for 20 log_has "md0: has no bitmap"
is "$(dev_state)" stale "stale without a bitmap: it stays stale"

# What a refused leg may have lost is marked all the same, and to md the array is
# not clean then. A degraded array of this level has to be clean to start.
md_stop
disconnect
wait_for 10 no_devices
serve_end
rm -f "$image"
truncate -s "${LEG_MB}M" "$image"
serve "$image"
need_connect "$URI" --dead-timeout 60
md_create 5
quiet_md
scatter 8 3 sync
cp --sparse=always "$image" "$image.flushed"
scatter 8 3
power_cut "$image" "$image.flushed"
superblock 1000 -1
note
serve "$image"
ok "stale and newer: marked" wait_for 20 log_has "what its server may have forgotten"
ok "stale and newer: refused" wait_for 20 log_has "newer than the array"
ok "stale and newer: the array is as clean as it was" wait_for 10 md_is resync_start none
ok "stale and newer: stopped" wait_for 20 mdadm -q --stop "$MD"
ok "stale and newer: it starts again without the leg" start_alone
num "$(dirty "${LEGS[0]}")" -ge 4 "stale and newer: it still knows what to copy"

# Without it the others would not have all data: md would stop for good.
md_stop
disconnect
wait_for 10 no_devices
serve_end
rm -f "$image"
truncate -s "${LEG_MB}M" "$image"
serve "$image"
need_connect "$URI" --dead-timeout 60
md_create 5
wait_for 60 md_settled
mdadm -q "$MD" --fail "${LEGS[0]}"
quiet_md
scatter 8 3 sync
cp --sparse=always "$image" "$image.flushed"
scatter 8 3
power_cut "$image" "$image.flushed"
note
serve "$image"
ok "stale and not to be spared: refused" wait_for 20 log_has "md0: too few members are in sync"
is "$(dev_state)" stale "stale and not to be spared: it stays stale"
ok "stale and not to be spared: the array is not broken" member_is in_sync
md_done
