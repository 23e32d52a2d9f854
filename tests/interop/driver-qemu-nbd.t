#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver against qemu-nbd: a raw file shared by four connections, and a
# qcow2 image.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/interop.sh"

command -v qemu-nbd >/dev/null || skip_all "no qemu-nbd"

truncate -s 24M "$T/disk"
start_qemu_nbd -e 8 -f raw "$T/disk"
exercise "raw" 4

if command -v qemu-img >/dev/null; then
	qemu-img create -q -f qcow2 "$T/disk.qcow2" 24M
	start_qemu_nbd -e 8 -f qcow2 --discard=unmap "$T/disk.qcow2"
	exercise "qcow2" 2
else
	skip "qcow2" "no qemu-img"
fi

start_qemu_nbd -e 8 -r -x data -f raw "$T/disk"
need_connect "$URI/data" -n 2
is "$(cat /sys/block/nda/ro)" 1 "read-only export by name"
ok "its data" cmp "$DEV" "$T/disk"
ok "disconnect" disconnect

done_testing
