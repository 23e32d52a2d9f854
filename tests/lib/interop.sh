# SPDX-License-Identifier: GPL-2.0
#
# One round of everything an application does to a disk, for the tests of the
# driver against other people's servers. Source after enbd.sh.

# exercise NAME CHANNELS [CONNECT OPTIONS]: connects to $URI, writes and
# verifies, flushes, discards, zeroes, makes a file system, reads it back over
# a fresh connection, disconnects.
exercise()
{
	local what=$1 n=$2

	shift 2
	need_connect "$URI" -n "$n" "$@"
	ok "$what: write and verify" within 50 fio --name=v \
		--filename="$DEV" --direct=1 --rw=randwrite \
		--bsrange=4k-256k --blockalign=4k --ioengine=libaio \
		--iodepth=32 --verify=crc32c --aux-path="$T" \
		--size=$(scale 16 2)M
	ok "$what: flush" sync "$DEV"
	if [ "$(cat "/sys/block/$NAME/queue/discard_max_bytes")" -gt 0 ]; then
		ok "$what: discard" blkdiscard -l 1M "$DEV"
	fi
	ok "$what: zeroes" blkdiscard -z -o 1M -l 1M "$DEV"
	ok "$what: are zeroes" cmp -n 1M <(tail -c +1048577 "$DEV") /dev/zero
	is "$(field 'sum(c["errored"] + c["retracted"] for c in ch)')" 0 \
		"$what: no error"
	ok "$what: mkfs" mkfs.ext4 -q -F "$DEV"
	mkdir -p "$T/mnt"
	ok "$what: mount" mount "$DEV" "$T/mnt"
	ok "$what: copy" cp /bin/bash "$T/mnt/"
	ok "$what: umount" umount "$T/mnt"
	ok "$what: disconnect" disconnect
	need_connect "$URI" -n 1 --read-only
	ok "$what: mount again" mount -o ro,noload "$DEV" "$T/mnt"
	ok "$what: the file is right" cmp /bin/bash "$T/mnt/bash"
	ok "$what: umount again" umount "$T/mnt"
	ok "$what: disconnect again" disconnect
	stop_server "$PID"
}
