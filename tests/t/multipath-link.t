#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two network cards, four channels. One link after the other goes down, at
# either end, and comes up again, while a verifying load runs. Work goes on over
# the other, and the monitor brings the channels back.
# timeout: 180

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/net.sh"
. "$(dirname "$0")/../lib/monitor.sh"

need_two_paths
truncate -s 16M "$T/disk"
start_server_there "$T/disk"
start_monitor --max-backoff 0.5
need_connect "$URI" -n 4 --bind enbda --bind enbdb --keepalive 1

start_history --threads 16 --pause-us $((4000 * SLOW))

none_over()
{
	[ "$(live_over "$1")" = 0 ]
}

all_over()
{
	[ "$(live_over "$1")" = 2 ]
}

works_over()
{
	[ "$(requested_over "$1")" -gt "$2" ]
}

# fails PATH OTHER DOWN UP: with the commands that take the link down and up
fails()
{
	local path=$1 other=$2 down=$3 up=$4 before

	ok "$down" $down
	ok "its channels are lost" wait_for 15 none_over "$path"
	before=$(requested_over "$other")
	ok "work goes on over $other" wait_for 10 works_over "$other" $((before + 50))
	ok "$up" $up
	path_route "$path"
	ok "its channels come back" wait_for 20 all_over "$path"
	before=$(requested_over "$path")
	ok "and work" wait_for 10 works_over "$path" "$before"
}

fails enbda enbdb "ip -n $SERVER_NS link set peera down" \
	"ip -n $SERVER_NS link set peera up"
fails enbdb enbda "ip link set enbdb down" "ip link set enbdb up"
fails enbda enbdb "ip link set enbda down" "ip link set enbda up"
fails enbdb enbda "ip -n $SERVER_NS link set peerb down" \
	"ip -n $SERVER_NS link set peerb up"

ok "no request failed, every answer is right" end_history
ok "disconnect" disconnect
kill_monitor TERM
ip link del enbda
ip link del enbdb

done_testing
