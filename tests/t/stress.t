#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 90
#
# Everything at once for some seconds: a verified load, channels cut, added and
# deleted, status read, the partition table read again, the device resized to
# the size it has. Nothing of it is an error for the load.
#
#     fio -- nda -- up to 5 channels -- proxy (cuts one now and then) -- server

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 4 --io-timeout 20 --dead-timeout 0

spawn fio fio --name=v --filename="$DEV" --direct=1 --rw=randwrite \
	--bsrange=512-128k --blockalign=512 --ioengine=libaio --iodepth=32 \
	--verify=crc32c --verify_backlog=32 --aux-path="$T" --size=12M \
	--loops=100000 --verify_fatal=1
fio=$PID
spawn looker bash -c "while :; do enbdctl status; enbdctl status --json
	cat /sys/block/nda/enbd/* /sys/block/nda/channel*/*
	cat /sys/block/nda/stat /proc/partitions; done"
looker=$PID
spawn opener bash -c "while :; do blockdev --rereadpt $DEV
	dd if=$DEV of=/dev/null bs=4k count=1 skip=3500; done"
opener=$PID
spawn setter bash -c "while :; do enbdctl resize $DEV 16M; done"
setter=$PID

seconds=$(scale 20 8)
[ "$LOAD" = 1 ] || seconds=25
end=$((SECONDS + seconds))
cuts=0 added=0 deleted=0
while [ $SECONDS -lt $end ] && ! gone "$fio"; do
	read -ra ports <<<"$(proxy list)"
	n=${#ports[@]}
	if [ "$n" -gt 3 ]; then
		# ports[0] is "ok"
		proxy cut "${ports[1 + RANDOM % (n - 1)]}" >/dev/null &&
			cuts=$((cuts + 1))
	fi
	enbdctl channel add "$DEV" -n 2 >/dev/null 2>&1 && added=$((added + 1))
	enbdctl channel del "$DEV" $((RANDOM % 5)) >/dev/null 2>&1 &&
		deleted=$((deleted + 1))
done
diag "$cuts cut, $added times added, $deleted deleted in $seconds s"
num $cuts -gt 3 "channels were cut"
num $added -gt 3 "and added"
num $deleted -gt 3 "and deleted"
ok "the load still runs: no error, no wrong checksum" kill -0 "$fio"
kill -INT "$fio"
wait "$fio"
is "$(grep -ciE 'verify: bad|error=|io_u error' "$T/fio.log")" 0 \
	"and reports none" || diag "$(head -n 20 "$T/fio.log")"
kill "$looker" "$opener" "$setter"
ok "requests were counted" test "$(field 'sum(c["requested"] for c in ch)')" -gt 0
ok "the device reads" within 20 dd if="$DEV" of=/dev/null bs=64k iflag=direct
ok "and is what the server has" cmp "$DEV" "$T/disk"
ok "disconnect" wait_for 10 disconnect

done_testing
