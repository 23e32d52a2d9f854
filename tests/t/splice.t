#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Large writes leave without being copied: the socket refers to their pages.
# On loopback the driver does that only when told to, because a server that
# is late would see the pages change; here it is told to. Writes on both sides
# of the threshold, mixed with reads, must arrive as they were, also those that
# were under way on channels that are lost.

. "$(dirname "$0")/../lib/enbd.sh"

load_module
param=/sys/module/enbd/parameters/splice_local
is "$(cat $param)" N "on loopback everything is copied unless told otherwise"
echo Y >$param
size=$(scale 64 8)M
truncate -s "$size" "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 2
ok "write and verify sizes around the threshold" \
	within 50 fio --name=verify --filename="$DEV" --direct=1 \
	--ioengine=libaio --iodepth=16 --verify=crc32c --verify_fatal=1 \
	--end_fsync=1 --aux-path="$T" --rw=randwrite --bsrange=4k-512k \
	--blockalign=4k
is "$(chan_sum errored) $(chan_sum retracted) $(chan_sum pending)" "0 0 0" \
	"no error, nothing taken back, nothing pending"
echo 3 >/proc/sys/vm/drop_caches
ok "the server's file is what the device shows" cmp "$DEV" "$T/disk"
ok "disconnect" disconnect

# Zeroes, else what is not written again would look like what was
truncate -s 0 "$T/disk"
truncate -s "$size" "$T/disk"
start_proxy "$PORT"
need_connect "$URI"
spawn fio fio --name=lost --filename="$DEV" --direct=1 --ioengine=libaio \
	--iodepth=16 --verify=crc32c --verify_fatal=1 --end_fsync=1 --aux-path="$T" \
	--rw=randwrite --bsrange=4k-512k --blockalign=4k --rate=$(scale 24 2)m
fio=$PID
# Held first, so that something is under way when the channel is lost.
under_way()
{
	[ "$(chan_sum pending)" -ge 1 ]
}
for i in 1 2 3; do
	ok "the channel is held under load" proxy hold all up
	ok "some of it is under way" wait_for 10 under_way
	ok "it is cut" proxy cut all
	ok "lost" wait_for 5 dev_is "$NAME" parked
	ok "and replaced" enbdctl channel add "$DEV"
done
ends 60 "$fio"
is $? 0 "what was written is right"
echo 3 >/proc/sys/vm/drop_caches
ok "the server's file is what the device shows" cmp "$DEV" "$T/disk"
ok "disconnect" disconnect
echo N >$param

done_testing
