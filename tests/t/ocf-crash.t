#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
#
# What was being written when the promoted node died is copied when its leg is
# back: assembled of one leg alone, md forgets those chunks, and the agent does
# not let it. Both legs are loop devices; a crash is a copy of the disks.

WITHOUT_MODULE=1
. "$(dirname "$0")/../lib/enbd.sh"

[ "$ENBD_GUEST" = uml ] || skip_all "needs the fast kernel: --kernel uml"
. "$ENBD_LIB/cib.sh"

for c in crm_attribute mdadm; do
	command -v "$c" >/dev/null || skip_all "$c is not installed"
done
make -s -C "$ENBD_TREE" install-ocf || die "make install-ocf"

idle()
{
	grep -qx idle "/sys/block/$md/md/sync_action"
}

for leg in a b; do
	truncate -s 32M "$T/$leg"
done
a=$(losetup -f --show "$T/a")
b=$(losetup -f --show "$T/b")
mdadm --create /dev/md/setup --run --level=1 --raid-devices=2 --bitmap=internal \
	--bitmap-chunk=4K --metadata=1.2 "$a" "$b" >"$T/create.log" 2>&1 ||
	die "mdadm --create" "$(cat "$T/create.log")"
[ -b /dev/md/setup ] || die "mdadm makes no link: is there a /run/udev without udevd?"
mdadm --wait /dev/md/setup

# Long enough for md to write down up to which event chunks were clean: only when
# that is the last one does it forget.
busy()
{
	while dd if=/dev/urandom of=/dev/md/setup bs=64k count=4 seek=100 \
			oflag=direct status=none; do
		sleep 0.05
	done
}
written_down()
{
	blockdev --flushbufs "$b"
	mdadm --examine-bitmap "$b" | awk '/Events :/ { e = $3 }
		/Events Cleared :/ { c = $4 } END { exit e != c }'
}
# It stays so between two writes, however slow the guest is.
md=$(readlink -f /dev/md/setup)
echo 1000 >"/sys/block/${md##*/}/md/safe_mode_delay"
spawn busy busy
ok "the array is busy" wait_for 30 written_down
cp "$T/a" "$T/a.crash"
cp "$T/b" "$T/b.crash"
end_loads
mdadm --stop /dev/md/setup 2>/dev/null
losetup -d "$a"
losetup -d "$b"

# A write that had reached only one of them; the data begin at 1 MiB.
dd if=/dev/urandom of="$T/a.crash" bs=4k count=1 seek=$((256 + 16 * 101)) \
	conv=notrunc status=none
a=$(losetup -f --show "$T/a.crash")
b=$(losetup -f --show "$T/b.crash")

make_cib "$(uname -n)" alpha
crm_attribute -N "$(uname -n)" -l forever -n enbd-data-generation -v 1
new_port
agent()
{
	env OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=data \
		OCF_RESKEY_CRM_meta_interval=10000 OCF_RESKEY_CRM_meta_timeout=60000 \
		OCF_RESKEY_leg="$b" OCF_RESKEY_port="$PORT" \
		OCF_RESKEY_addresses="$(uname -n)=127.0.0.1 alpha=127.0.0.2" \
		/usr/lib/ocf/resource.d/enbd/mirror "$1"
}
status 0 "the survivor starts" agent start
status 0 "and is promoted" agent promote
status 8 "as the monitor says" agent monitor
md=$(readlink -f /dev/md/data)
md=${md##*/}
is "$(cat "/sys/block/$md/md/degraded")" 1 "on its leg alone"
ok "the other leg is back" mdadm "/dev/$md" --re-add "$a"
mdadm --wait "/dev/$md" 2>/dev/null
ok "and in sync" wait_for 30 idle
is "$(cat "/sys/block/$md/md/degraded")" 0 "both are there"
start_check()
{
	echo check >"/sys/block/$md/md/sync_action"
}
ok "they are compared" wait_for 10 start_check
ok "to the end" wait_for 30 idle
is "$(cat "/sys/block/$md/md/mismatch_cnt")" 0 "they are equal"

# More chunks than md takes at once
dirty()
{
	mdadm --examine-bitmap "$b" | sed -n 's/.*Bitmap :.* \([0-9]*\) dirty.*/\1/p'
}
clean()
{
	[ "$(dirty)" -lt 10 ]
}
echo 1 >"/sys/block/$md/md/bitmap/time_base"
ok "few chunks are dirty" wait_for 30 clean
ok "every second one is to be" sh -c '. "$1/common"; . "$1/array"
	set_dirty "$2" "$(seq -f "%.0f" 0 2 6000 | sed "s/.*/&-&/")"' sh "$ENBD_TREE/ocf/lib" "$md"
num "$(dirty)" -ge 3001 "and is"
num "$(dirty)" -lt 3100 "and no others"
status 0 "the survivor stops" agent stop
losetup -d "$a"
losetup -d "$b"
done_testing
