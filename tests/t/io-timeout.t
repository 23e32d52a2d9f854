#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server that goes silent without closing: after the I/O timeout the channel
# is lost and its requests are answered by the others. A server that is only
# slower than that, but keeps answering, is left alone.
#
#     fio -- nda --+-- channel 0 -- proxy (holds its bytes) -- server
#                  '-- channel 1 -- proxy ------------------- server

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 8M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 2 --io-timeout 2

load()
{
	within 40 fio --name=l --filename="$DEV" --direct=1 --rw=randwrite \
		--bs=4k --size=4M --ioengine=libaio --iodepth=16 \
		--verify=crc32c --aux-path="$T"
}

ok "load" load
ok "hold channel 0" proxy hold "$(chan_port 0)"
begin=$(now_ms)
ok "load goes on without an error" load
ms=$(($(now_ms) - begin))
ok "channel 0 is lost" chan_is "$NAME" 0 lost
like "$(field 'ch[0].get("reason", "")')" '[Tt]ime|answer|silent' \
	"status tells the reason"
is "$(chan_state "$NAME" 1)" live "channel 1 is live"
num "$ms" -ge 1000 "not before the timeout"
diag "load with a silent channel took $ms ms"

# What the proxy held goes to the server now: nobody may be confused by it.

proxy release all >/dev/null
ok "load again" load
ok "disconnect" disconnect

# Idle is not silent: no request, no timeout.
need_connect "$URI" -n 1 --io-timeout 1
sleep_until=$((SECONDS + 3))
until [ $SECONDS -ge $sleep_until ]; do
	read -rt 0.5 -u "$NAP"
done
is "$(chan_state "$NAME" 0)" live "an idle channel stays live"
ok "disconnect" disconnect

# Each answer takes most of the timeout, many wait: no loss, no error.
start_nbdkit --filter=delay memory 8M rdelay=500ms
need_connect "$URI" -n 1 --io-timeout 3
ok "a slow server" within 40 fio --name=slow --filename="$DEV" --direct=1 \
	--rw=randread --bs=4k --number_ios=24 --ioengine=libaio --iodepth=4
is "$(chan_state "$NAME" 0)" live "is not lost"
ok "disconnect" disconnect

# The timeout counts from when the request was given to the channel it is on,
# not from when the application asked: a request that comes over from a lost
# channel must not take the next one down with it.
factor=$((SLOW > 2 ? 2 : SLOW))
start_nbdkit --filter=delay memory 8M rdelay=$((1500 * factor))ms
start_proxy "$PORT"
need_connect "$URI" -n 2 --io-timeout $((2 * factor))
spawn dd dd if="$DEV" of=/dev/null bs=4k count=1 skip=8 iflag=direct
dd=$PID
begin=$(now_ms)
asked()
{
	[ $(($(now_ms) - begin)) -ge $((1000 * factor)) ]
}
wait_for 5 asked
busy=$(field '[c["index"] for c in ch if c["pending"]][0]')
ok "cut the channel it waits on" proxy cut "$(chan_port "$busy")"
ends 40 "$dd"
is $? 0 "the read is answered over the other"
is "$(chan_state "$NAME" $((1 - busy)))" live "which is not lost for it"
ok "disconnect" disconnect

done_testing
