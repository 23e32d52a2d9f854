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

seen()
{
	grep -qE "enbd_$1: " "$T/trace"
}

ok "a request begins" seen 'rq_[a-z]+'
ok "a request ends" seen rq_done
ok "a channel's life" seen 'chan(nel)?_[a-z]+'
num "$(grep -oE 'enbd_[a-z_]+: ' "$T/trace" | sort -u | wc -l)" -ge 4 \
	"several kinds of events"
num "$(grep -cE 'enbd_rq_.*(819200|sector=800|off.*0x64000| 800 )' \
	"$T/trace")" -ge 1 "the read at 400 KiB can be recognised" ||
	diag "$(grep enbd_ "$T/trace" | head -n 20)"

done_testing
