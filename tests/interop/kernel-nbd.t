#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The kernel's own nbd driver against enbd-server: one and four connections.

WITHOUT_MODULE=1
. "$(dirname "$0")/../lib/enbd.sh"

command -v nbd-client >/dev/null || skip_all "no nbd-client"
[ -e /sys/module/nbd ] || modprobe nbd 2>/dev/null || [ -b /dev/nbd0 ] ||
	skip_all "no nbd in this kernel"

truncate -s 24M "$T/disk"
chmod 755 "$T"
spawn enbd-server enbd-server 0 "$T/disk" --bind 127.0.0.1 -f --name data \
	--port-file "$T/port"
await_server enbd-server "$T/port"
PORT=$(cat "$T/port")

detach()
{
	nbd-client -d /dev/nbd0
}
trap 'umount /dev/nbd0 2>/dev/null; detach >/dev/null 2>&1; clean_up' EXIT

sized()
{
	[ "$(blockdev --getsize64 /dev/nbd0)" = $((24 << 20)) ]
}

for n in 1 4; do
	ok "$n: nbd-client" nbd-client 127.0.0.1 "$PORT" /dev/nbd0 -N data -C $n
	ok "$n: the size" wait_for 5 sized
	ok "$n: write and verify" within 50 fio --name=v --filename=/dev/nbd0 \
		--direct=1 --rw=randwrite --bsrange=512-256k --blockalign=512 \
		--ioengine=libaio --iodepth=32 --verify=crc32c \
		--aux-path="$T" --size=$(scale 16 2)M
	ok "$n: flush" sync /dev/nbd0
	ok "$n: discard" blkdiscard -l 1M /dev/nbd0
	ok "$n: the file is the device" cmp /dev/nbd0 "$T/disk"
	ok "$n: mkfs" mkfs.ext4 -q -F /dev/nbd0
	mkdir -p "$T/mnt"
	ok "$n: mount" mount /dev/nbd0 "$T/mnt"
	ok "$n: copy" cp /bin/bash "$T/mnt"
	ok "$n: umount" umount "$T/mnt"
	ok "$n: detach" detach
done
ok "the server is alive" kill -0 "$PID"

done_testing
