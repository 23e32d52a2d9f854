#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 150
#
# A server that shakes hands well and then breaks the protocol, once in every
# way of tests/lib/hostile.py. The channel dies with a reason in the kernel log
# and in status, the reader gets an error and never old memory, the device can
# be removed and the machine lives. Errors that the protocol allows cost only
# their request.

. "$(dirname "$0")/../lib/enbd.sh"

# One request at the offset where the server misbehaves.
one_request()
{
	case $1 in
	write-*)
		dd if=/dev/zero of="$DEV" bs=4k seek=256 count=1 oflag=direct
		;;
	*)
		dd if="$DEV" of="$T/got" bs=4k skip=256 count=1 iflag=direct
		;;
	esac
}

# Not one byte of a reply that was wrong may be seen: the reader's file is
# empty or, when the reply was complete before the fault, right.
nothing_stale()
{
	[ ! -s "$T/got" ] || cmp "$T/got" "$T/want"
}

channel_lost()
{
	wait_for 8 chan_is "$NAME" 0 lost
}

/usr/bin/python3 -S -E -c '
import struct, sys
sys.stdout.buffer.write(struct.pack(">512Q", *range(131072, 131072 + 512)))
' >"$T/want"

modes=$("$ENBD_LIB/hostile.py" --list works)
start_hostile $modes
for mode in $modes; do
	hostile "$mode"
	need_connect "$URI" -n 1
	ok "$mode: a read" one_request "$mode"
	ok "$mode: the data are right" cmp "$T/got" "$T/want"
	is "$(chan_state "$NAME" 0)" live "$mode: the channel lives"
	ok "$mode: disconnect" disconnect
done
stop_server "$PID"

modes=$("$ENBD_LIB/hostile.py" --list fails)
start_hostile $modes
for mode in $modes; do
	rm -f "$T/got"
	hostile "$mode"
	need_connect "$URI" -n 1
	nok "$mode: the read fails" one_request "$mode"
	ok "$mode: nothing stale is read" nothing_stale
	ok "$mode: the next read works" one_request "$mode"
	ok "$mode: and is right" cmp "$T/got" "$T/want"
	is "$(chan_state "$NAME" 0)" live "$mode: the channel lives"
	ok "$mode: disconnect" disconnect
done
stop_server "$PID"

# The request that meets the fault is parked with its channel gone; removing
# the device by force is what ends it.
modes=$("$ENBD_LIB/hostile.py" --list dies)
start_hostile $modes --times -1
for mode in $modes; do
	rm -f "$T/got"
	note
	hostile "$mode"
	need_connect "$URI" -n 1 --dead-timeout 0 --io-timeout 2
	one_request "$mode" >"$T/dd.log" 2>&1 &
	dd=$!
	ok "$mode: the channel is lost" channel_lost
	reason=$(field 'ch[0].get("reason", "")')
	isnt "$reason" "" "$mode: status has a reason: $reason"
	ok "$mode: the kernel logs it" log_has "$NAME: channel 0 .*lost: "
	ok "$mode: disconnect --force" within 10 enbdctl disconnect --force "$DEV"
	wait "$dd"
	rc=$?
	[ "$mode" = answer-twice ] ||
		num $rc -ne 0 "$mode: the request fails"
	ok "$mode: nothing stale is read" nothing_stale
	ok "$mode: the device is gone" wait_for 5 no_devices
done

done_testing
