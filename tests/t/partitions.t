#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A partition table makes nda1, nda2, ...: at once when it is written, and when
# the device is connected the nodes are there when connect returns. Twenty
# partitions, because minors are not limited to sixteen.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 64M "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 2

table()
{
	local i

	echo "label: gpt"
	for ((i = 1; i < 20; i++)); do
		echo "size=1MiB"
	done
	echo "size=+"
}

nodes()
{
	compgen -G '/dev/nda[0-9]*' | wc -l
}

is "$(nodes)" 0 "no partition"
ok "write a table" sfdisk -q --wipe always "$DEV" <<<"$(table)"
ok "its nodes appear" wait_for 5 test -b /dev/nda20
is "$(nodes)" 20 "all of them"
head -c 1M /dev/urandom >"$T/data"
ok "write through a partition" dd if="$T/data" of=/dev/nda3 bs=64k oflag=direct
start=$(cat /sys/block/nda/nda3/start)
ok "it is at its place in the file" cmp -n 1M -i "$((start * 512)):0" \
	"$T/disk" "$T/data"
ok "disconnect" disconnect
is "$(nodes)" 0 "the nodes are gone"

need_connect "$URI" /dev/ndb
is "$(compgen -G '/dev/ndb[0-9]*' | wc -l)" 20 \
	"connected again, all nodes are there when connect returns"
ok "with their data" cmp -n 1M /dev/ndb3 "$T/data"
ok "disconnect" disconnect

done_testing
