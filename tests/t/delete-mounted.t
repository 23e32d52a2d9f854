#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A mounted device cannot be disconnected and is none the worse for the
# attempt. With --force it goes at once, also with a file system on it and
# writes on their way; the mount then meets errors and can be unmounted.

. "$(dirname "$0")/../lib/enbd.sh"

mkdir "$T/mnt"
truncate -s 32M "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 2
ok "mkfs" mkfs.ext4 -q -F "$DEV"
ok "mount" mount "$DEV" "$T/mnt"
ok "a file" cp /bin/bash "$T/mnt/file"

status 6 "disconnect: busy" disconnect
status 6 "disconnect --all: busy" enbdctl disconnect --all
is "$(dev_state)" up "the device is up"
is "$(field '[c["state"] for c in ch]')" "['live', 'live']" "with its channels"
sync -f "$T/mnt"
echo 3 >/proc/sys/vm/drop_caches
ok "the file is right" cmp /bin/bash "$T/mnt/file"
ok "another file" cp /bin/sh "$T/mnt/another"
ok "umount" umount "$T/mnt"
# As with btrfs: the mount's number is not the device's.
exec 8<"$DEV"
ok "mounted with a number of its own" mount -t tmpfs "$DEV" "$T/mnt"
status 6 "disconnect: busy" disconnect
like "$(cat "$TAP_OUT")" "busy: mounted on $T/mnt" "it says where"
exec 8<&-
ok "umount" umount "$T/mnt"
ok "disconnect" disconnect

need_connect "$URI" -n 2
ok "fsck finds nothing" e2fsck -fn "$DEV"
ok "mount" mount "$DEV" "$T/mnt"
spawn writer sh -c "while head -c 256k /dev/zero; do :; done >$T/mnt/big"
writer=$PID
growing()
{
	[ "$(stat -c %s "$T/mnt/big")" -gt 1000000 ]
}
ok "a writer writes" wait_for 10 growing
ok "disconnect --force ends" within 20 enbdctl disconnect --force "$DEV"
ok "the disk is gone" wait_for 10 no_devices
ok "the writer ends" wait_for 20 gone "$writer"
nok "the file system cannot write" \
	dd if=/dev/zero of="$T/mnt/more" bs=4k count=64 conv=fsync
ok "umount works" within 20 umount "$T/mnt"
ok "the module can go" wait_for 10 rmmod enbd
modprobe enbd
need_connect "$URI"
ok "connected again, fsck repairs what was cut off" \
	sh -c "e2fsck -fy $DEV; [ \$? -le 2 ]"
ok "mount" mount "$DEV" "$T/mnt"
ok "the old file is right" cmp /bin/bash "$T/mnt/file"
ok "umount" umount "$T/mnt"
ok "disconnect" disconnect

done_testing
