#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A device grows and shrinks while it is open and in use: enbdctl resize with a
# size, or without one to take over the server's. A server that tells a size
# only to new connections (nbdkit) needs new channels for what has grown.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
# nbdkit tells every new connection the file's size of that moment.
start_nbdkit file "$T/disk"
need_connect "$URI" -n 2

is "$(dev_bytes)" $((16 << 20)) "as large as the file"
exec 8<"$DEV"

truncate -s 32M "$T/disk"
ok "resize to the server's new size, while open" enbdctl resize "$DEV"
is "$(dev_bytes)" $((32 << 20)) "grown"
ok "new channels" enbdctl channel add "$DEV" -n 2
ok "instead of an old one" enbdctl channel del "$DEV" 0
ok "and the other" enbdctl channel del "$DEV" 1
ok "the new part takes writes" dd if=/dev/urandom of="$DEV" bs=1M count=1 \
	seek=31 oflag=direct
ok "and they are in the file" cmp -n 1M -i 31M "$DEV" "$T/disk"

ok "shrink" enbdctl resize "$DEV" 8M
is "$(dev_bytes)" $((8 << 20)) "shrunk"
is "$(dd if="$DEV" bs=4k count=1 skip=$((8 << 8)) iflag=direct 2>/dev/null |
	wc -c)" 0 "nothing beyond the end"
ok "the last block is there" dd if="$DEV" of=/dev/null bs=4k count=1 \
	skip=$(((8 << 8) - 1)) iflag=direct

ok "grow again" enbdctl resize /dev/nda 16777216
is "$(dev_bytes)" $((16 << 20)) "grown"

nok "no size of zero" enbdctl resize "$DEV" 0
nok "no size that is no number" enbdctl resize "$DEV" zwei
is "$(dev_bytes)" $((16 << 20)) "unchanged by what was refused"
ok "a size that is no number of sectors" enbdctl resize "$DEV" 1000001
is "$(dev_bytes)" $((1000001 / 512 * 512)) "is rounded down"
exec 8<&-

# Resized again and again under load: no error, no stuck request.
spawn fio fio --name=l --filename="$DEV" --direct=1 --rw=randread --bs=4k \
	--size=4M --time_based --runtime=60 --ioengine=libaio --iodepth=8
fio=$PID
to_and_fro()
{
	local i

	for ((i = 0; i < $(scale 12 3); i++)); do
		enbdctl resize "$DEV" 8M && enbdctl resize "$DEV" 32M || return 1
	done
}
ok "to and fro under load" to_and_fro
ok "the load still runs" kill -0 "$fio"
is "$(grep -c 'error=' "$T/fio.log")" 0 "without an error"
kill "$fio"
wait "$fio" 2>/dev/null
ok "disconnect" wait_for 5 disconnect

done_testing
