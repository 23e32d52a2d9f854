#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints follow a request from the block layer to the wire and back,
# and a channel from its coming to its loss.

. "$(dirname "$0")/../lib/enbd.sh"

trace=/sys/kernel/tracing
[ -d $trace/events ] || mount -t tracefs none $trace 2>/dev/null
[ -d $trace/events/enbd ] || skip_all "no tracing in this kernel"

truncate -s 4M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"

echo >$trace/trace
echo 1 >$trace/events/enbd/enable
need_connect "$URI" -n 2
dd if="$DEV" of=/dev/null bs=4k count=1 skip=100 iflag=direct 2>/dev/null
ok "cut channel 1" proxy cut "$(chan_port 1)"
ok "lost" wait_for 5 chan_is nda 1 lost
ok "disconnect" disconnect
echo 0 >$trace/events/enbd/enable
cp $trace/trace "$T/trace"
diag "events: $(cd $trace/events/enbd && echo */)"

# The read of 4 KiB at 400 KiB, from queue to end, by its cookie.
cookie=$(sed -n 's/.*enbd_rq_queue: .* cookie \([0-9a-f]*\) .*offset 409600 .*/\1/p' \
	"$T/trace" | head -n 1)
isnt "$cookie" "" "the read is queued" || diag "$(grep enbd_ "$T/trace" | head)"
for event in rq_send rq_reply rq_done; do
	ok "it comes by $event" grep -q "enbd_$event: .*cookie $cookie " "$T/trace"
done
ok "a channel comes" grep -qE 'enbd_channel_state: nda channel 1 .*live' "$T/trace"
ok "and is lost" grep -qE 'enbd_channel_lost: nda channel 1 .*reset' "$T/trace"
ok "its state says so" \
	grep -qE 'enbd_channel_state: nda channel 1 .* lost' "$T/trace"

done_testing
