#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Channels die under load and the application notices nothing: their requests
# go to the others, status says which are lost and why, and a new channel takes
# the lost one's place.
#
#                  .-- channel 0 --.
#     fio -- nda --+-- channel 1 --+-- proxy ---- enbd-server
#                  +-- channel 2 --+     |
#                  '-- channel 3 --'   cuts single connections

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 32M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 4

# The rate limit keeps the load running for as long as the cuts take.
spawn fio fio --name=verify --filename="$DEV" --direct=1 --rw=randwrite \
	--bs=8k --ioengine=libaio --iodepth=32 --verify=crc32c \
	--verify_fatal=1 --aux-path="$T" --size=$(scale 32 8)M \
	--rate_iops=$(scale 1000 200)
fio=$PID

carries()
{
	local requested

	read -r requested <"/sys/block/$NAME/channel$1/requested"
	[ "$requested" -gt 20 ]
}

ok "the load runs over channel 2" wait_for 10 carries 2
port2=$(chan_port 2)
ok "cut channel 2" proxy cut "$port2"
ok "it is lost" wait_for 5 chan_is "$NAME" 2 lost
is "$(dev_state)" up "the device is up"
is "$(chan_values state)" "live live lost live" \
	"the others are live"
ok "cut channel 0" proxy cut "$(chan_port 0)"
ok "it is lost" wait_for 5 chan_is "$NAME" 0 lost
ok "a new channel" enbdctl channel add "$DEV"
ok "another" enbdctl channel add "$DEV"
is "$(chan_values state)" "live live live live" \
	"they took the lost ones' places"
is "$(chan_values incarnation)" "2 1 2 1" "as a further incarnation"

ends 40 "$fio"
is "$?" 0 "fio saw no error and every checksum is right"
num "$(chan_sum requested)" -gt 100 "the load was real"
ok "orderly end by the server: cut with FIN" proxy end "$(chan_port 1)"
ok "is a lost channel, too" wait_for 5 chan_is "$NAME" 1 lost
ok "channel del" enbdctl channel del "$DEV" 1
is "$(chan_values state)" "live live live" "takes it away"
nok "its folder is gone" test -e /sys/block/nda/channel1
ok "the device reads" dd if="$DEV" of=/dev/null bs=64k iflag=direct
ok "disconnect" disconnect

done_testing
