# SPDX-License-Identifier: GPL-2.0
#
# A cluster of two real Pacemaker nodes in one guest. Source it after enbd.sh.
#
#     alpha (first network namespace) --.
#                                        bridge in enbd-lan, which is also the
#     beta  (namespace enbd-beta)     --'  service's client, 10.77.0.50
#
# Each node has its own processes, mounts, /run, /dev/md, CIB, network address
# and disk (a loop device); power_off takes its network first, then all
# processes at once, then the disk as it is, and what its kernel would have
# taken along. It is one kernel all the same, with one driver that is reached
# from the first network namespace only. So these are not tested here: a
# network between beta's device and its server (beta's enbdctl is run in
# alpha's network namespace), a disk that loses what was not flushed, and a
# kernel that comes up anew.

NODES="alpha beta"
declare -A NODE_PID NODE_LOOP NODE_ADDRESS=([alpha]=10.77.0.1 [beta]=10.77.0.2)
SERVICE=10.77.0.100
POWER=/tmp/enbd-power

cluster_needs()
{
	local c

	for c in corosync pacemakerd crm_mon crm_resource mdadm nsenter; do
		command -v "$c" >/dev/null || skip_all "$c is not installed"
	done
	grep -q hacluster /etc/passwd || skip_all "no user hacluster"
}

# install_agents: as make install does
install_agents()
{
	make -s -C "$ENBD_TREE" install-ocf || die "make install-ocf"
}

# cluster_network: the switch, and both nodes plugged in
cluster_network()
{
	local node

	ip netns add enbd-lan
	ip netns add enbd-beta
	ip -n enbd-lan link set lo up
	ip -n enbd-lan link add switch type bridge
	ip -n enbd-lan addr add 10.77.0.50/24 dev switch
	ip -n enbd-lan link set switch up
	ip -n enbd-beta link set lo up
	for node in $NODES; do
		ip link add "v-$node" type veth peer name "$node" netns enbd-lan
		ip -n enbd-lan link set "$node" master switch
	done
	ip link set v-beta netns enbd-beta
}

# of_node NODE COMMAND...: in the node's network, whether it is on or not
of_node()
{
	if [ "$1" = beta ]; then
		shift
		nsenter --net=/run/netns/enbd-beta "$@"
	else
		shift
		"$@"
	fi
}

# on NODE COMMAND...: as a process of that node
on()
{
	local pid=${NODE_PID[$1]}

	shift
	nsenter -t "$pid" -m -u -p -n -- "$@"
}

# cluster_disks MIB: a disk for each node with an array over both, synced
cluster_disks()
{
	local node

	# Some of the cluster's daemons are not root.
	chmod 755 "$T"
	for node in $NODES; do
		mkdir -p "$T/$node"
		truncate -s "$1M" "$T/$node/disk"
		NODE_LOOP[$node]=$(losetup -f --show "$T/$node/disk")
	done
	mdadm --create /dev/md/setup --run --level=1 --raid-devices=2 \
		--bitmap=internal --bitmap-chunk=64K --metadata=1.2 \
		"${NODE_LOOP[alpha]}" "${NODE_LOOP[beta]}" >"$T/create.log" 2>&1 ||
		die "mdadm --create" "$(cat "$T/create.log")"
	[ -b /dev/md/setup ] || die "mdadm makes no link: is there a /run/udev without udevd?"
	mdadm --wait /dev/md/setup
	mkfs.ext4 -q -F /dev/md/setup
	mdadm --stop /dev/md/setup 2>/dev/null
	for node in $NODES; do
		losetup -d "${NODE_LOOP[$node]}"
	done
}

# corosync_conf TOKEN_MS
corosync_conf()
{
	cat >"$T/corosync.conf" <<-CONF
	totem {
		version: 2
		cluster_name: enbd
		transport: knet
		token: $1
		crypto_hash: none
		crypto_cipher: none
	}
	nodelist {
		node {
			ring0_addr: 10.77.0.1
			nodeid: 1
			name: alpha
		}
		node {
			ring0_addr: 10.77.0.2
			nodeid: 2
			name: beta
		}
	}
	quorum {
		provider: corosync_votequorum
		two_node: 1
	}
	logging {
		to_logfile: yes
		logfile: LOGFILE
		to_syslog: no
		to_stderr: no
	}
	CONF
}

# beta's enbdctl, for the driver is not reached from its network namespace
make_wrapper()
{
	local real

	real=$(command -v enbdctl)
	mkdir -p "$T/bin" "$POWER"
	touch "$T/first-net"
	mount --bind /proc/self/ns/net "$T/first-net"
	printf '#!/bin/sh\nexec nsenter --net=%s %s "$@"\n' "$T/first-net" "$real" >"$T/bin/enbdctl"
	chmod +x "$T/bin/enbdctl"
	cp "$ENBD_LIB/fence-test" /usr/sbin/fence_test
}

# power_on NODE
power_on()
{
	local node=$1 path=$PATH

	rm -f "$POWER/$node.off"
	NODE_LOOP[$node]=$(losetup -f --show "$T/$node/disk")
	of_node "$node" ip addr add "${NODE_ADDRESS[$node]}/24" dev "v-$node"
	of_node "$node" ip link set "v-$node" up
	ip -n enbd-lan link set "$node" up
	[ "$node" = alpha ] || path=$T/bin:$PATH
	PATH=$path of_node "$node" unshare --mount --uts --pid --fork \
		--propagation private "$ENBD_LIB/cluster-node" "$node" "$T/$node" \
		>>"$T/$node/node.log" 2>&1 </dev/null &
	PIDS+=("$!")
	NODE_PID[$node]=$!
	wait_for 5 first_process "$node" || die "$node starts" "$(cat "$T/$node/node.log")"
}

# first_process NODE: finds it below what started it; unshare itself is outside
first_process()
{
	local comm pid=${NODE_PID[$1]}

	while :; do
		read -r comm <"/proc/$pid/comm"
		[ "$comm" != cluster-node ] || break
		pid=$(pgrep -P "$pid") || return
	done
	NODE_PID[$1]=$pid
}

array_of_disk()
{
	local holder

	for holder in /sys/block/"${1#/dev/}"/holders/md*; do
		[ ! -e "$holder" ] || echo "${holder##*/}"
	done
}

array_ends()
{
	local array

	array=$(array_of_disk "$1")
	[ -z "$array" ] || mdadm --stop "/dev/$array"
}

# power_off NODE: without a warning
power_off()
{
	local node=$1 other=alpha dir uri loop=${NODE_LOOP[$1]}

	[ "$node" = beta ] || other=beta
	ip -n enbd-lan link set "$node" down
	kill -9 "${NODE_PID[$node]}"
	cp "$T/$node/disk" "$T/$node/disk.off"
	for dir in /sys/block/nd*/enbd; do
		read -r uri 2>/dev/null <"$dir/uri" || continue
		dir=${dir%/enbd}
		[[ $uri != *"${NODE_ADDRESS[$other]}:"* ]] ||
			enbdctl disconnect --force "${dir##*/}"
	done
	wait_for 10 gone "${NODE_PID[$node]}"
	wait_for 20 array_ends "$loop" || diag "$node's array does not end"
	losetup -d "$loop"
	of_node "$node" ip addr flush dev "v-$node"
	mv "$T/$node/disk.off" "$T/$node/disk"
	unset "NODE_PID[$node]"
	touch "$POWER/$node.off"
}

# load_cib FILE: FILE's configuration with this cluster's names in it, and a fence
# device that takes a second instead of five longer on one side
load_cib()
{
	sed -e 's|class="stonith" type="external/ipmi"|class="stonith" type="fence_test"|' \
		-e "s|alpha=/dev/vg0/data beta=/dev/vg0/data|alpha=${NODE_LOOP[alpha]} beta=${NODE_LOOP[beta]}|" \
		-e 's|value="5s"|value="1s"|' -e 's|192.168.7.|10.77.0.|g' -e "s|192.168.9.10|$SERVICE|" "$1" >"$T/cib.xml"
	on alpha cibadmin -R -o configuration -x "$T/cib.xml"
}

both_online()
{
	on "${1:-alpha}" crm_mon -1 | grep -q 'Online: \[ alpha beta \]'
}

# promoted_is NODE ASKED
promoted_is()
{
	on "$2" crm_resource -W -r data-clone | grep -q "on: $1 \(Promoted\|Master\)"
}

# whole NODE: the array on it has both legs
whole()
{
	local array

	array=$(array_of_disk "${NODE_LOOP[$1]}")
	[ -n "$array" ] && awk -v md="$array" '
		$1 == md { here = 1; next }
		here && /\[2\/2\]/ { found = 1 }
		here && /re(sync|covery) *=/ { busy = 1 }
		here && NF == 0 { exit }
		END { exit !(found && !busy) }' /proc/mdstat
}

# fetch FILE: as a client of the service, by its floating address
fetch()
{
	nsenter --net=/run/netns/enbd-lan /usr/bin/python3 -S -E -c '
import sys, urllib.request
sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=1).read())' \
		"http://$SERVICE:8080/$1"
}

# served FILE SUM: the client gets it, and it has this checksum
served()
{
	fetch "$1" 2>/dev/null | sha256sum | grep -q "^$2 "
}

# mismatches NODE: of a full comparison of both legs
mismatches()
{
	local md

	md=/sys/block/$(array_of_disk "${NODE_LOOP[$1]}")/md
	echo check >"$md/sync_action"
	wait_for 30 grep -qx idle "$md/sync_action"
	cat "$md/mismatch_cnt"
}

# differences: where the disks differ, beyond what md keeps for itself
differences()
{
	local node

	for node in $NODES; do
		blockdev --flushbufs "${NODE_LOOP[$node]}"
	done
	cmp -l "$T/alpha/disk" "$T/beta/disk" | awk '
		{ block = int(($1 - 1) / 1024); if (!(block in n)) order[++k] = block; n[block]++ }
		END { for (i = 1; i <= k && i < 40; i++) printf "%d KiB: %d bytes; ", order[i], n[order[i]] }'
}

cluster_diag()
{
	local node

	for node in $NODES; do
		diag "--- $node: $(tail -n 2 "$T/$node/node.log" 2>/dev/null)"
		diag "$(tail -n 25 "$T/$node/ocf.log" 2>/dev/null)"
		diag "$(grep -E ' (error|warning):|enbd|mirror' "$T/$node/pacemaker.log" 2>/dev/null | tail -n 25)"
		[ -z "${NODE_PID[$node]:-}" ] || diag "$(on "$node" crm_mon -1Arf 2>&1)"
	done
	diag "$(cat /proc/mdstat)"
	diag "$(enbdctl status 2>&1)"
}

cluster_end()
{
	local node

	for node in $NODES; do
		[ -z "${NODE_PID[$node]:-}" ] || power_off "$node"
	done
	umount "$T/first-net"
	rm -rf "$POWER" /usr/sbin/fence_test
}
