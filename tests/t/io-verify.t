#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Random writes of mixed sizes, 512 bytes to 1 MiB at any sector, 32 at a time
# over the whole device and four channels, read back and checked by crc32c;
# every channel carries a part of the work.
#
#                    .-- channel 0 --.
#     fio -- nda ----+-- channel 1 --+---- enbd-server -- file
#                    +-- channel 2 --+
#                    '-- channel 3 --'

. "$(dirname "$0")/../lib/enbd.sh"

size=$(scale 96 8)M
truncate -s "$size" "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 4

verify()
{
	within 50 fio --name=verify --filename="$DEV" --direct=1 \
		--ioengine=libaio --iodepth=32 --verify=crc32c --verify_fatal=1 \
		--end_fsync=1 --aux-path="$T" "$@"
}

ok "write and verify mixed sizes over the whole device" \
	verify --rw=randwrite --bsrange=512-1m --blockalign=512
ok "write and verify 4 KiB blocks, checked while others are written" \
	verify --rw=randwrite --bs=4k --verify_backlog=64 \
	--number_ios=$(scale 8000)
num "$(chan_min requested)" -gt 10 \
	"every channel was given work"
num "$(chan_min bytes_written)" -gt 0 \
	"every channel wrote"
num "$(chan_min bytes_read)" -gt 0 "every channel read"
is "$(chan_sum errored) $(chan_sum retracted) $(chan_sum pending)" "0 0 0" \
	"no error, nothing taken back, nothing pending"
is "$(chan_values state)" "live live live live" "all channels live"
echo 3 >/proc/sys/vm/drop_caches
ok "the server's file is what the device shows" cmp "$DEV" "$T/disk"
ok "disconnect" disconnect

done_testing
