#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The server's block sizes become the disk's: minimum = logical block,
# preferred = physical block, up to a page, and optimal size, maximum = largest
# request.
# Larger requests are split, smaller ones refused before they leave.
# nbdkit's blocksize-policy filter answers errors to whoever does not obey.

. "$(dirname "$0")/../lib/enbd.sh"

queue()
{
	cat "/sys/block/$NAME/queue/$1"
}

io_verify()
{
	within 40 fio --name=v --filename="$DEV" --direct=1 --rw=randwrite \
		--ioengine=libaio --iodepth=16 --verify=crc32c \
		--size=$(scale 16 2)M --aux-path="$T" "$@"
}

serve()
{
	[ -z "${PID:-}" ] || stop_server "$PID"
	start_nbdkit --filter=log --filter=blocksize-policy memory 16M \
		logfile="$T/requests" blocksize-error-policy=error "$@"
}

# 512 bytes, small maximum
serve blocksize-minimum=512 blocksize-preferred=4096 blocksize-maximum=64k
need_connect "$URI" -n 2
is "$(queue logical_block_size)" 512 "512: logical block size"
is "$(queue physical_block_size)" 4096 "512: physical block size"
num "$(queue max_hw_sectors_kb)" -le 64 "512: largest request"
is "$(field 'dev["block_min"], dev["block_pref"], dev["block_max"]')" \
	"(512, 4096, 65536)" "512: status knows them"
ok "512: requests of 512 to 1M" io_verify --bsrange=512-1m --blockalign=512 \
	--number_ios=$(scale 1500)
ok "512: one read of 4 MiB is split" dd if="$DEV" of=/dev/null bs=4M count=1 \
	iflag=direct
is "$(grep -oE '(Read|Write) .*count=0x[0-9a-f]+' "$T/requests" |
	sed 's/.*count=0x//' | awk 'length > 5 || (length == 5 && $0 > "10000")' |
	wc -l)" 0 "512: nothing above 64 KiB arrived"
is "$(field 'sum(c["errored"] for c in ch)')" 0 "512: no error"
ok "512: disconnect" disconnect

# 4096 bytes
serve blocksize-minimum=4096 blocksize-preferred=64k blocksize-maximum=32M
need_connect "$URI" -n 2
is "$(queue logical_block_size)" 4096 "4096: logical block size"
is "$(queue physical_block_size)" 4096 "4096: physical block size"
is "$(queue optimal_io_size)" 65536 "4096: optimal size"
ok "4096: requests of 4 KiB to 1 MiB" io_verify --bsrange=4k-1m --blockalign=4k
nok "4096: a direct write of 512 bytes is refused" \
	dd if=/dev/zero of="$DEV" bs=512 count=1 oflag=direct
nok "4096: and a read" dd if="$DEV" of=/dev/null bs=512 count=1 iflag=direct
ok "4096: a buffered write of 100 bytes works" \
	dd if=/dev/zero of="$DEV" bs=100 count=1 seek=7 conv=notrunc,fsync
num "$(queue max_hw_sectors_kb)" -gt 512 "4096: large requests"
echo "$(queue max_hw_sectors_kb)" >/sys/block/$NAME/queue/max_sectors_kb
ok "4096: large requests work" io_verify --bs=4m
is "$(field 'sum(c["errored"] for c in ch)')" 0 "4096: no error"
ok "4096: disconnect" disconnect

# No constraint told: 512, and the specification's maximum of 32 MiB
stop_server "$PID"
start_nbdkit memory 16M
need_connect "$URI"
is "$(queue logical_block_size)" 512 "none: logical block size"
num "$(queue max_hw_sectors_kb)" -le 32768 "none: at most 32 MiB"
ok "none: disconnect" disconnect

# A size that is no multiple of 512: the tail cannot be reached, all else can
start_nbdkit memory 1000001
need_connect "$URI"
is "$(dev_bytes)" $((1000001 / 512 * 512)) "odd size: rounded down"
ok "odd size: readable to the end" dd if="$DEV" of=/dev/null bs=4k
ok "odd size: disconnect" disconnect

done_testing
