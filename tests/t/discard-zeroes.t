#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Discards arrive as trim, zeroes as write-zeroes, with NO_HOLE when the
# application wants the space kept; the data read back are zero. A server
# that cannot do one of them makes a device that cannot, too, and zeroes are
# written then. nbdkit's log filter tells what arrived (trim=0 is NO_HOLE).

. "$(dirname "$0")/../lib/enbd.sh"

log=$T/requests

arrived()
{
	grep -acE "connection=[0-9]+ $1 .*$2" "$log"
}

fill()
{
	head -c 4M /dev/urandom >"$T/data"
	dd if="$T/data" of="$DEV" bs=1M oflag=direct
}

zero_in_the_middle()
{
	dd if="$DEV" bs=1M skip=1 count=2 iflag=direct | cmp -n 2M - /dev/zero &&
		dd if="$DEV" bs=1M count=1 iflag=direct | cmp -n 1M - "$T/data" &&
		dd if="$DEV" bs=1M skip=3 count=1 iflag=direct |
		cmp -n 1M -i 0:3M - "$T/data"
}

start_nbdkit --filter=log memory 16M logfile="$log"
need_connect "$URI" -n 2
ok "fill" fill

: >"$log"
ok "blkdiscard" blkdiscard -o 1M -l 2M "$DEV"
num "$(arrived Trim '')" -ge 1 "arrives as trim"
is "$(arrived Zero)$(arrived Write)" 00 "and as nothing else"
ok "the data around it are unharmed" zero_in_the_middle

ok "fill again" fill
: >"$log"
ok "blkdiscard --zeroout" blkdiscard -z -o 1M -l 2M "$DEV"
num "$(arrived Zero 'trim=0')" -ge 1 "arrives as zeroes that keep the space"
is "$(arrived Zero trim=1)$(arrived Write)" 00 "and as nothing else"
ok "zeroes, and the data around them" zero_in_the_middle

ok "fill again" fill
: >"$log"
ok "fallocate --punch-hole" fallocate -p -o 1M -l 2M "$DEV"
num "$(arrived Zero 'trim=1')" -ge 1 "arrives as zeroes that may be a hole"
ok "zeroes, and the data around them" zero_in_the_middle

ok "fill again" fill
: >"$log"
ok "fallocate --zero-range" fallocate -z -n -o 1M -l 2M "$DEV"
num "$(arrived Zero 'trim=0')" -ge 1 "arrives as zeroes that keep the space"
ok "zeroes, and the data around them" zero_in_the_middle

: >"$log"
ok "discard of the whole device" blkdiscard "$DEV"
num "$(arrived Trim '')" -ge 1 "arrives"
ok "disconnect" disconnect

# Flags: HAS_FLAGS and SEND_FLUSH, neither trim nor write-zeroes.
start_hostile right --flags 5
need_connect "$URI" -n 1
is "$(cat /sys/block/nda/queue/discard_max_bytes)" 0 "no trim, no discard"
is "$(cat /sys/block/nda/queue/write_zeroes_max_bytes)" 0 "no write-zeroes"
nok "blkdiscard is refused" blkdiscard "$DEV"
ok "zeroes are written instead" blkdiscard -z -l 1M "$DEV"
ok "and read" cmp -n 1M "$DEV" /dev/zero
is "$(chan_sum errored)" 0 "without the server refusing anything"
ok "disconnect" disconnect

done_testing
