#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Two paths to one server: connect --bind spreads the channels over the
# interfaces, and when a path dies without a word the other one carries on.
#
#     client (this namespace)              netns enbd-server
#
#     enbda 10.77.1.1/24 ------------- 10.77.1.2/24 peera
#                                                          10.77.9.9 (lo)
#     enbdb 10.77.2.1/24 ------------- 10.77.2.2/24 peerb  enbd-server

. "$(dirname "$0")/../lib/enbd.sh"

ns=enbd-server
on()
{
	ip netns exec $ns "$@"
}

net()
{
	ip netns add $ns &&
		ip link add enbda type veth peer name peera netns $ns &&
		ip link add enbdb type veth peer name peerb netns $ns &&
		ip addr add 10.77.1.1/24 dev enbda &&
		ip addr add 10.77.2.1/24 dev enbdb &&
		ip link set enbda up && ip link set enbdb up &&
		ip route add 10.77.9.9/32 via 10.77.1.2 dev enbda metric 1 \
			onlink &&
		ip route add 10.77.9.9/32 via 10.77.2.2 dev enbdb metric 2 \
			onlink &&
		on ip addr add 10.77.1.2/24 dev peera &&
		on ip addr add 10.77.2.2/24 dev peerb &&
		on ip addr add 10.77.9.9/32 dev lo &&
		on ip link set lo up && on ip link set peera up &&
		on ip link set peerb up
}

net >"$T/net.log" 2>&1 || skip_all "no network namespaces: $(cat "$T/net.log")"

truncate -s 16M "$T/disk"
spawn enbd-server ip netns exec $ns "$(command -v enbd-server)" 0 "$T/disk" \
	--bind 10.77.9.9 -f --port-file "$T/port"
await_server enbd-server "$T/port"
uri=nbd://10.77.9.9:$(cat "$T/port")

reach()
{
	enbdctl probe "$uri"
}
ok "the server answers" wait_for 10 reach

sent()
{
	cat "/sys/class/net/$1/statistics/tx_bytes"
}

load()
{
	within 50 fio --name=l --filename="$DEV" --direct=1 --rw=randwrite \
		--bs=16k --size=$(scale 8 2)M --ioengine=libaio --iodepth=32 \
		--iodepth_batch_submit=16 --iodepth_low=16 \
		--verify=crc32c --aux-path="$T"
}

need_connect "$uri" -n 4 --bind enbda --bind enbdb --io-timeout 2
is "$(field 'sorted(c["local"].split(":")[0] for c in ch)')" \
	"['10.77.1.1', '10.77.1.1', '10.77.2.1', '10.77.2.1']" \
	"two channels on each interface"
a=$(sent enbda) b=$(sent enbdb)
ok "load" load
num $(($(sent enbda) - a)) -gt 100000 "goes over the one path"
num $(($(sent enbdb) - b)) -gt 100000 "and over the other"

ok "a path dies in silence" on ip link set peera down
ok "load goes on without an error" load
is "$(field 'sorted(c["local"].split(":")[0] for c in ch
	if c["state"] == "live")')" "['10.77.2.1', '10.77.2.1']" \
	"over the other path"
ok "the path is back" on ip link set peera up
# Neighbours have to be found first.
ok "a new channel over it" \
	wait_for 10 enbdctl channel add "$DEV" -n 1 --bind enbda
ok "and another" enbdctl channel add "$DEV" -n 1 --bind enbda
is "$(field '[c["state"] for c in ch]')" "['live', 'live', 'live', 'live']" \
	"all live again"
ok "load" load
ok "disconnect" disconnect

need_connect "$uri" -n 2 --bind 10.77.1.1
is "$(field 'set(c["local"].split(":")[0] for c in ch)')" "{'10.77.1.1'}" \
	"--bind takes an address, too"
ok "disconnect" disconnect
ip link del enbda
ip link del enbdb

done_testing
