#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nbd+unix:///export?socket=/path: a device over Unix sockets.

. "$(dirname "$0")/../lib/enbd.sh"

sock=$T/a.sock
truncate -s 8M "$T/disk"
spawn enbd-server enbd-server - "$T/disk" --unix "$sock" --name data -f
ok "the server makes its socket" wait_for 10 test -S "$sock"

need_connect "nbd+unix:///data?socket=$sock" -n 4
is "$(dev_bytes)" $((8 << 20)) "as large as the file"
is "$(field 'dev["export"]')" data "the export's name"
like "$(field 'ch[0]["peer"]')" "$sock" "the peer is the socket's path"
ok "I/O" within 40 fio --name=v --filename="$DEV" --direct=1 --rw=randwrite \
	--bsrange=512-256k --blockalign=512 --ioengine=libaio --iodepth=32 \
	--iodepth_batch_submit=16 --iodepth_low=16 \
	--verify=crc32c --size=$(scale 8)M --aux-path="$T"
num "$(field 'min(c["requested"] for c in ch)')" -gt 0 "over every channel"
ok "what the server has" cmp "$DEV" "$T/disk"
kill "$PID"
ok "the server ends: both channels are lost" wait_for 5 dev_is nda parked
ok "disconnect --force" within 10 enbdctl disconnect --force "$DEV"

start_nbdkit_unix()
{
	spawn nbdkit nbdkit -f -U "$T/b.sock" -P "$T/b.pid" memory 4M
	await_server nbdkit "$T/b.pid"
}
start_nbdkit_unix
need_connect "nbd+unix:///?socket=$T/b.sock" -n 2
ok "nbdkit: I/O" dd if=/dev/urandom of="$DEV" bs=64k count=64 oflag=direct
ok "nbdkit: disconnect" disconnect

done_testing
