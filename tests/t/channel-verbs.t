#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl channel add, list and del, by hand and at the limits: channels come
# and go while the device is in use, the last one may go, too.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_server "$T/disk"
need_connect "$URI" -n 1

places()
{
	field '" ".join(str(c["index"]) for c in ch)'
}

is "$(places)" 0 "connect -n 1 makes one channel"
ok "channel add" enbdctl channel add "$DEV"
ok "channel add -n 3" enbdctl channel add nda -n 3
is "$(places)" "0 1 2 3 4" "five channels"
like "$(enbdctl channel list "$DEV")" "127\.0\.0\.1:$PORT" "channel list"
num "$(enbdctl channel list "$DEV" | grep -c "127.0.0.1:$PORT")" -eq 5 \
	"lists them all"

spawn fio fio --name=v --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
	--ioengine=libaio --iodepth=16 --verify=crc32c --aux-path="$T" \
	--rate_iops=$(scale 1000 150) --size=$(scale 4 1)M
fio=$PID
ok "channel del of the second" enbdctl channel del "$DEV" 1
ok "and the first" enbdctl channel del "$DEV" 0
ok "and the fourth" enbdctl channel del nda 3
is "$(places)" "2 4" "two are left"
ends 40 "$fio"
is $? 0 "the load meets no error"
ok "channel add takes free places" enbdctl channel add "$DEV" -n 2
is "$(places)" "0 1 2 4" "the lowest"

for i in 0 1 2 4; do
	ok "channel del $i" enbdctl channel del "$DEV" $i
done
is "$(places)" "" "no channel"
is "$(dev_state)" parked "the device waits"
ok "channel add" enbdctl channel add "$DEV"
is "$(dev_state)" up "and is up again"
ok "and reads" dd if="$DEV" of=/dev/null bs=64k iflag=direct
ok "disconnect" disconnect

done_testing
