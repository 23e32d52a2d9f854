#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Work goes where it is done: a slow path gets less of it, one that is fast again
# gets its share, and so does a channel that was lost and came back. The counters
# of the channels show it.

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/net.sh"

need_two_paths
truncate -s 16M "$T/disk"
start_server_there "$T/disk"
need_connect "$URI" -n 2 --bind enbda --bind enbdb --hw-queues 1

# Where an answer takes no time at all nothing is under way, and one channel is
# as good as the other.
for path in enbda enbdb; do
	ok "$path has a distance" tc qdisc add dev $path root netem delay 2ms
done

load()
{
	within 60 fio --name=l --filename="$DEV" --direct=1 --rw=randread \
		--bs=4k --size=16M --ioengine=libaio --iodepth=32 \
		--number_ios=$(scale 6000 600)
}

# share NAME: loads, and sets SHARE to what went over enbda, in percent.
share()
{
	local a b

	a=$(requested_over enbda) b=$(requested_over enbdb)
	ok "$1: load" load
	a=$(($(requested_over enbda) - a)) b=$(($(requested_over enbdb) - b))
	SHARE=$((100 * a / (a + b)))
	diag "$1: $a requests over enbda, $b over enbdb"
}

share "both fast"
num "$SHARE" -ge 35 "each path gets its part"
num "$SHARE" -le 65 "the other, too"

ok "enbda becomes slow" tc qdisc change dev enbda \
	root netem delay 40ms
share "enbda slow"
num "$SHARE" -lt 35 "it gets less"
num "$SHARE" -gt 0 "but something"
ok "enbda is fast again" tc qdisc change dev enbda \
	root netem delay 2ms
share "fast again"
num "$SHARE" -ge 35 "it gets its part again"

lost=$(field '[c["index"] for c in ch if c["local"].startswith("10.77.1.1:")][0]')
ok "its channel is reset" reset_port "$(chan_port "$lost")"
ok "and lost" wait_for 5 chan_is "$NAME" "$lost" lost
ok "load without it" load
ok "a new channel" enbdctl channel add "$DEV" --bind enbda
share "back"
num "$SHARE" -ge 35 "the new channel gets its part"
is "$(field 'sum(c["errored"] for c in ch)')" 0 "no request was answered with an error"
ok "disconnect" disconnect
ip link del enbda
ip link del enbdb

done_testing
