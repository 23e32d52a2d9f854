#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A leg finds its array among others: one whose superblocks cannot be compared with
# its own, and one whose only member waits for another server. And what looks like a
# superblock where the array's format has none does not confuse it.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
LEG_MB=32
truncate -s "${LEG_MB}M" "$T/remote" "$T/x" "$T/y"
serve "$T/remote"

# md0 comes before the array that counts.
x=$(losetup -f --show "$T/x") y=$(losetup -f --show "$T/y")
within 30 mdadm -C /dev/md0 --run -q -l 1 -n 2 -e 0.90 --assume-clean "$x" "$y" >/dev/null 2>&1
use_array md1

# later: the array has started without its leg, which comes now.
later()
{
	wait_for 60 md_settled || { cat /proc/mdstat; return 1; }
	steady_md
	wait_for 20 mdadm -q --stop "$MD"
	disconnect /dev/nda
	wait_for 10 no_nda
	wait_for 10 mdadm -A --run -q "$MD" "${LEGS[0]}"
	busy_md
	scatter 8
	need_connect "$URI" /dev/nda
}
no_nda()
{
	[ ! -e /sys/block/nda ]
}

need_connect "$URI" /dev/nda
md_create 1
ok "beside an array of format 0.90: it comes late" later
ok "its array takes it" wait_for 20 member_back nda
ok "in sync" wait_for 60 md_whole

mdadm -q --stop /dev/md0
mdadm -q --zero-superblock "$x"
mdadm -q --zero-superblock "$y"
truncate -s "${LEG_MB}M" "$T/other"
start_server "$T/other"
other=$PID
need_connect "$URI" /dev/ndb
within 30 mdadm -C /dev/md0 --run -q -l 1 -n 2 -e 1.2 /dev/ndb missing >/dev/null 2>&1
stop_server "$other"
ok "another array waits for its server" wait_for 10 dev_is ndb parked
URI=nbd://127.0.0.1:$SERVE_PORT
ok "beside it: it comes late" later
ok "its array takes it" wait_for 20 member_back nda
ok "in sync" wait_for 60 md_whole
is "$(dev_state ndb)" parked "the other one still waits"
use_array md0
enbdctl disconnect --force ndb
wait_for 30 mdadm -q --stop "$MD"
use_array md1
md_stop
wait_for 10 disconnect /dev/nda

# A block of the data of a 1.0 array is a superblock of format 1.2.
within 30 mdadm -C /dev/md8 --run -q -l 1 -n 2 -e 1.2 --assume-clean "$x" "$y" >/dev/null 2>&1
dd if="$x" of="$T/block" bs=4096 skip=1 count=1 status=none
mdadm -q --stop /dev/md8
losetup -d "$x"
losetup -d "$y"
serve_end
rm "$T/remote"
truncate -s "${LEG_MB}M" "$T/remote"
serve "$T/remote"
need_connect "$URI" /dev/nda --dead-timeout 0.5
local_legs 1
within 60 mdadm -C "$MD" --run -q -l 1 -n 2 -b internal --bitmap-chunk=64K -e 1.0 \
	"${LEGS[0]}" --write-mostly /dev/nda >"$T/mdadm.log" 2>&1 || die "mdadm -C" "$(cat "$T/mdadm.log")"
wait_for 60 md_whole
dd if="$T/block" of="$MD" bs=4096 seek=1 oflag=direct conv=fsync status=none
like "$(mdadm -E --metadata=1.2 /dev/nda 2>&1)" "Array UUID" "the leg has something like a superblock"
serve_end -KILL
wait_for 20 dev_is nda failed
dd if=/dev/urandom of="$MD" bs=64k seek=20 count=4 oflag=direct status=none
ok "the leg is out" wait_for 10 member_is faulty nda
serve "$T/remote"
ok "it is taken back" wait_for 20 member_back nda
ok "in sync" wait_for 60 md_whole
is "$(mismatches)" 0 "no difference"
md_done
