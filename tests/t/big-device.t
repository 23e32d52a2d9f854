#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Devices beyond 2 TiB and beyond 4 TiB: 64-bit offsets all the way, nothing
# lands modulo 2^32 sectors or 2^32 bytes somewhere else.

. "$(dirname "$0")/../lib/enbd.sh"

# at MIB: a block with its own address as contents is written and read there
put()
{
	yes "MiB $1" | head -c 64k |
		dd of="$DEV" bs=64k seek=$(($1 * 16)) iflag=fullblock \
		oflag=direct conv=notrunc
}

has()
{
	dd if="$1" bs=64k skip=$(($2 * 16)) count=1 2>/dev/null |
		cmp - <(yes "MiB $2" | head -c 64k)
}

check()
{
	local what=$1 m

	shift
	for m; do
		ok "$what: write at MiB $m" put "$m"
	done
	for m; do
		ok "$what: it is there" has "$DEV" "$m"
		ok "$what: and there in the file" has "$T/disk" "$m"
	done
}

truncate -s 3T "$T/disk" || skip_all "no sparse file of 3 TiB on $T"
start_server "$T/disk"
server=$PID
need_connect "$URI" -n 2
is "$(dev_bytes)" $((3 << 40)) "3 TiB"
# Around 4 GiB, 2 TiB - 1 MiB (sector 2^32) and at the end.
check "3 TiB" 0 4095 4096 $(((2 << 20) - 1)) $((2 << 20)) $(((3 << 20) - 1))
ok "disconnect" disconnect
stop_server "$server"

rm "$T/disk"
truncate -s 7T "$T/disk" || die "no sparse file of 7 TiB"
start_server "$T/disk"
need_connect "$URI" -n 2
is "$(dev_bytes)" $((7 << 40)) "7 TiB"
check "7 TiB" 0 $((4 << 20)) $(((6 << 20) + 1)) $(((7 << 20) - 1))
ok "a discard of 3 TiB" within 30 blkdiscard -o 2T -l 3T "$DEV"
ok "what lay before it is there" has "$DEV" 0
ok "what lay behind it is there" has "$DEV" $(((6 << 20) + 1))
is "$(dd if="$DEV" bs=64k skip=$((4 << 24)) count=1 2>/dev/null | tr -d '\0' |
	wc -c)" 0 "what lay in it is gone"
ok "disconnect" disconnect

# The largest there is: nothing overflows. nbdkit null has no data.
start_nbdkit null size=$(((1 << 63) - 512))
if connect "$URI" 2>/dev/null; then
	is "$(dev_bytes)" $(((1 << 63) - 512)) "2^63 - 512 bytes"
	ok "its last block reads" dd if="$DEV" of=/dev/null bs=512 count=1 \
		skip=$(((1 << 54) - 2)) iflag=direct
	ok "disconnect" disconnect
else
	like "$(cat "$T/connect.err")" 'size|large' \
		"2^63 - 512 bytes: refused with a reason"
	ok "nothing left" no_devices
fi

done_testing
