#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What connect's options and the server's flags do to the disk's queues.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_nbdkit file "$T/disk"

need_connect "$URI" --queue-depth 16 --hw-queues 1
is "$(ls /sys/block/nda/mq | wc -l)" 1 "--hw-queues 1"
is "$(cat /sys/block/nda/mq/0/nr_tags)" 16 "--queue-depth 16"
ok "works" within 30 fio --name=v --filename="$DEV" --direct=1 --rw=randrw \
	--bs=4k --ioengine=libaio --iodepth=64 --verify=crc32c --size=2M \
	--aux-path="$T" --number_ios=2000
ok "disconnect" disconnect

need_connect "$URI" --queue-depth 1
is "$(cat /sys/block/nda/mq/0/nr_tags)" 1 "--queue-depth 1"
ok "works" dd if=/dev/zero of="$DEV" bs=64k count=16 oflag=direct
ok "disconnect" disconnect

need_connect "$URI" -n 3 --io-timeout 7 --dead-timeout 9
is "$(cat /sys/block/nda/queue/rotational)" 0 "not rotational"
ok "disconnect" disconnect

# Flags: HAS_FLAGS, SEND_FLUSH, ROTATIONAL
start_hostile right --flags $((1 | 4 | 16))
need_connect "$URI"
is "$(cat /sys/block/nda/queue/rotational)" 1 "a rotational disk"
ok "disconnect" disconnect

done_testing
