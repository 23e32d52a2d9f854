#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A file system made on the device, filled and unmounted has the same
# checksums after disconnecting and connecting again, and the device is byte
# for byte the server's file.

. "$(dirname "$0")/../lib/enbd.sh"

mkdir "$T/mnt"
truncate -s $(scale 64 24)M "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 4

# Files of many sizes, small ones and one that is a large part of the disk.
fill()
{
	local i

	mkdir "$T/mnt/d" || return 1
	for ((i = 0; i < $(scale 200 20); i++)); do
		head -c $((i * 997)) /dev/urandom >"$T/mnt/d/f$i" || return 1
	done
	head -c "$(scale 24 2)M" /dev/urandom >"$T/mnt/big"
}

sums()
{
	(cd "$T/mnt" && find . -type f ! -path './lost*' -exec md5sum {} + |
		sort -k 2)
}

ok "mkfs" mkfs.ext4 -q -F "$DEV"
ok "mount" mount "$DEV" "$T/mnt"
ok "fill" fill
sums >"$T/before"
num "$(wc -l <"$T/before")" -gt 10 "there are files"
ok "umount" umount "$T/mnt"
ok "the device is the server's file" cmp "$DEV" "$T/disk"
ok "disconnect" disconnect

need_connect "$URI" -n 2
ok "fsck finds nothing" e2fsck -fn "$DEV"
ok "mount again" mount "$DEV" "$T/mnt"
sums >"$T/after"
ok "the same checksums" cmp "$T/before" "$T/after"
ok "umount again" umount "$T/mnt"
ok "disconnect again" disconnect

done_testing
