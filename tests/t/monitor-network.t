#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor: when the network returns, what was lost is connected again at
# once, however long the delays between attempts have become.

. "$(dirname "$0")/../lib/enbd.sh"

ns=enbd-server
net()
{
	ip netns add $ns &&
		ip link add enbda type veth peer name peera netns $ns &&
		ip addr add 10.77.1.1/24 dev enbda &&
		ip link set enbda up &&
		ip netns exec $ns ip addr add 10.77.1.2/24 dev peera &&
		ip netns exec $ns ip link set peera up
}
net >"$T/net.log" 2>&1 || skip_all "no network namespaces: $(cat "$T/net.log")"

truncate -s 16M "$T/disk"
spawn enbd-server ip netns exec $ns "$(command -v enbd-server)" 0 "$T/disk" \
	--bind 10.77.1.2 -f --port-file "$T/port"
await_server enbd-server "$T/port"
uri=nbd://10.77.1.2:$(cat "$T/port")
reach()
{
	enbdctl probe "$uri"
}
ok "the server answers" wait_for 10 reach
need_connect "$uri" -n 2 --keepalive 1 --io-timeout 2
start_monitor --max-backoff 600

ok "the link goes down" ip link set enbda down
ok "the device waits" wait_for 20 dev_is "$NAME" parked
# Without a route each attempt fails at once, so the delays grow quickly.
failing()
{
	grep -q "cannot connect" "$T/monitor.log"
}
ok "attempts fail" wait_for 10 failing
read -rt 12 -u "$NAP"
spawn dd dd if="$DEV" of=/dev/null bs=64k count=1 iflag=direct
begin=$(now_ms)
ok "the link is up" ip link set enbda up
ok "the device is up" wait_for 10 dev_is "$NAME" up
took=$(($(now_ms) - begin))
diag "$took ms after the link"
num $took -lt $((2000 * SLOW)) "at once"
ends 10 "$PID"
is $? 0 "and the request that waited is answered"
both()
{
	[ "$(chan_values state)" = "live live" ]
}
ok "with both channels" wait_for 5 both
ok "disconnect" disconnect
ip link del enbda

done_testing
