# SPDX-License-Identifier: GPL-2.0
#
# What can happen to the network between driver and server. Source after enbd.sh,
# whose cleanup undoes it.

command -v nft >/dev/null || skip_all "nft is not installed"

# silence PORT: from now on nothing that comes from or goes to this TCP port of
# ours arrives, and nobody is told.
silence()
{
	nft "add table inet enbd
	add chain inet enbd in { type filter hook input priority 0; }
	add rule inet enbd in tcp sport $1 drop
	add rule inet enbd in tcp dport $1 drop"
}

unsilence()
{
	nft delete table inet enbd
}

# reset_port PORT: our end of the connection is reset, and the other end hears.
reset_port()
{
	ss -tK "sport = :$1"
}

# two_paths: a server in a namespace of its own, over two network cards
#
#     client (this namespace)              netns enbd-server
#
#     enbda 10.77.1.1/24 ------------- 10.77.1.2/24 peera
#                                                          10.77.9.9 (lo)
#     enbdb 10.77.2.1/24 ------------- 10.77.2.2/24 peerb
SERVER_NS=enbd-server
SERVER_IP=10.77.9.9

on_server()
{
	ip netns exec $SERVER_NS "$@"
}

# The routes of a link go when our own end of it goes down.
path_route()
{
	case $1 in
	enbda) ip route replace $SERVER_IP/32 via 10.77.1.2 dev enbda \
		metric 1 onlink ;;
	enbdb) ip route replace $SERVER_IP/32 via 10.77.2.2 dev enbdb \
		metric 2 onlink ;;
	esac
}

two_paths()
{
	local ns=$SERVER_NS

	ip netns add $ns &&
		ip link add enbda type veth peer name peera netns $ns &&
		ip link add enbdb type veth peer name peerb netns $ns &&
		ip addr add 10.77.1.1/24 dev enbda &&
		ip addr add 10.77.2.1/24 dev enbdb &&
		ip link set enbda up && ip link set enbdb up &&
		path_route enbda && path_route enbdb &&
		ip -n $ns addr add 10.77.1.2/24 dev peera &&
		ip -n $ns addr add 10.77.2.2/24 dev peerb &&
		ip -n $ns addr add $SERVER_IP/32 dev lo &&
		ip -n $ns link set lo up && ip -n $ns link set peera up &&
		ip -n $ns link set peerb up
}

need_two_paths()
{
	two_paths >"$T/net.log" 2>&1 ||
		skip_all "no network namespaces: $(cat "$T/net.log")"
}

# start_server_there FILE: enbd-server behind the two paths. Sets PORT, URI, PID.
start_server_there()
{
	rm -f "$T/port"
	spawn enbd-server ip netns exec $SERVER_NS \
		"$(command -v enbd-server)" "${PORT:-0}" "$1" \
		--bind $SERVER_IP -f --port-file "$T/port"
	await_server enbd-server "$T/port"
	PORT=$(cat "$T/port")
	URI=nbd://$SERVER_IP:$PORT
	# Neighbours have to be found first.
	wait_for 10 enbdctl probe "$URI" || die "the server answers"
}

# live_over PATH: how many channels live over enbda or enbdb
live_over()
{
	local address states locals i n=0

	case $1 in
	enbda) address=10.77.1.1 ;;
	enbdb) address=10.77.2.1 ;;
	esac
	read -ra states <<<"$(chan_values state)"
	read -ra locals <<<"$(chan_values local)"
	for i in "${!states[@]}"; do
		[ "${states[i]} ${locals[i]%:*}" = "live $address" ] &&
			n=$((n + 1))
	done
	echo $n
}

# sent_over PATH: requests given to its channels
requested_over()
{
	local address numbers locals i n=0

	case $1 in
	enbda) address=10.77.1.1 ;;
	enbdb) address=10.77.2.1 ;;
	esac
	read -ra numbers <<<"$(chan_values requested)"
	read -ra locals <<<"$(chan_values local)"
	for i in "${!numbers[@]}"; do
		[ "${locals[i]%:*}" = "$address" ] && n=$((n + numbers[i]))
	done
	echo $n
}
