#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# /sys/block/ndX/enbd/ has attributes of the device, /sys/block/ndX/channelN/
# those of a channel, there before anybody can see the device, gone with the channel, readable at
# any moment of a channel's life.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_nbdkit file dir="$T"
start_proxy "$PORT"
need_connect "$URI/disk" -n 2

attr=/sys/block/nda/enbd
is "$(cat $attr/state)" up "state"
is "$(cat $attr/uri)" "$URI/disk" "uri"
is "$(cat $attr/export)" disk "export"
chan0=/sys/block/nda/channel0
chan1=/sys/block/nda/channel1
is "$(cat "$chan0/state"),$(cat "$chan1/state")" live,live \
	"the channels' states"
is "$(cat "$chan0/peer")" "127.0.0.1:$PORT" "peer"

read_all()
{
	local f bad=0

	for f in $(find $attr "${chan1%1}"* -type f -perm -400); do
		cat "$f" >"$T/value" || bad=1
		[ "$(wc -l <"$T/value")" = 1 ] || {
			echo "$f has not one line"
			bad=1
		}
	done
	return $bad
}
ok "every attribute is one line" read_all
like "$(readlink -f /sys/block/nda)" '/devices/virtual/block/nda$' \
	"a virtual block device"
is "$(cat /sys/block/nda/removable)$(cat /sys/block/nda/hidden)" 00 \
	"not removable, not hidden"
is "$(cat /sys/block/nda/queue/rotational)" 0 "not rotational"

ok "cut channel 1" proxy cut "$(chan_port 1)"
ok "its state" wait_for 5 chan_is nda 1 lost
ok "every attribute of a lost channel reads" read_all
ok "channel del" enbdctl channel del "$DEV" 1
nok "takes its folder away" test -e "$chan1"
ok "channel add" enbdctl channel add "$DEV"
ok "makes one" test -d "$chan1"

# Somebody always reads while channels come and go.
spawn reader bash -c "while :; do cat $attr/* ${chan1%1}*/*; done"
reader=$PID
churn()
{
	local i

	for ((i = 0; i < $(scale 40 8); i++)); do
		enbdctl channel add "$DEV" -n 2 && enbdctl channel del "$DEV" 2 &&
			enbdctl channel del "$DEV" 3 || return 1
	done
}
ok "channels come and go while all is read" churn
kill "$reader"
exec 8<$attr/state
ok "disconnect with an attribute open" disconnect
nok "reading it then is an error, not a crash" cat <&8
exec 8<&-

done_testing
