#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 420
#
# The four states of a mirror of two nodes, with the configuration that is
# shipped as an example: both there; the client dead, and its service on the
# survivor; back; the server dead; back. See cluster.sh for how the nodes are
# made, and for what that leaves untested.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/cluster.sh"

# Too much for kernels that check themselves or are emulated: two clusters' worth
# of daemons would miss each other's heartbeats.
[ "$ENBD_GUEST" = uml ] || skip_all "needs the fast kernel: --kernel uml"
cluster_needs
install_agents
make_wrapper
cluster_network
cluster_disks 48
corosync_conf $((3000 * SLOW))
mkdir -p /srv/data
power_on alpha
power_on beta

# times NAME SINCE: how long something took
times()
{
	diag "$1: $(($(now_ms) - $2)) ms"
}

must()
{
	ok "$@" || {
		cluster_diag
		cluster_end
		done_testing
	}
}

# writer: numbered lines on alpha, each on both disks before it is counted;
# "NUMBER LONGEST" in acked, the longest wait in ms.
writer()
{
	on alpha /usr/bin/python3 -S -E -c '
import os, sys, time
log = os.open("/srv/data/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
acked = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
number, longest = int(sys.argv[2]), 0
while True:
    number += 1
    begin = time.monotonic()
    os.write(log, b"%d\n" % number)
    os.fsync(log)
    longest = max(longest, time.monotonic() - begin)
    os.pwrite(acked, b"%-8d %-8d\n" % (number, longest * 1000), 0)
    time.sleep(0.02)' "$T/acked" "$1" &
	PIDS+=("$!")
}

# acked: the last acknowledged line
acked()
{
	local number longest

	read -r number longest <"$T/acked" && echo "$number"
}

acked_over()
{
	[ "$(acked)" -gt "$1" ]
}

# complete FILE NUMBER: it has the lines 1 to NUMBER, perhaps more, in order
complete()
{
	awk -v n="$2" '$1 != NR { bad = 1 } END { exit bad || NR < n }' "$1"
}

# waits_for_ever NODE: md cannot drop the other leg before the agent wrote that down
waits_for_ever()
{
	local net

	net=$(basename /sys/block/"$(array_of_disk "${NODE_LOOP[$1]}")"/md/dev-nd*)
	[ "$(cat "/sys/block/${net#dev-}/enbd/dead_timeout_ms")" = 0 ]
}

# all_current: to the cluster both legs are
all_current()
{
	local g

	g=$(on alpha crm_attribute -N alpha -l forever -n enbd-data-generation -G -q -d 0) &&
		[ "$(on alpha crm_attribute -N beta -l forever -n enbd-data-generation -G -q -d 0)" = "$g" ]
}

# like_udev: a leg whose device is up is taken back at once, as with our rules
like_udev()
{
	while :; do
		enbdctl readd --wait 0 nda
		read -rt 0.3 -u "$NAP"
	done
}

t=$(now_ms)
must "both nodes are online" wait_for 60 both_online
times "start of the cluster" "$t"
t=$(now_ms)
must "the example is loaded" load_cib "$ENBD_TREE/ocf/examples/two-nodes.xml"
must "alpha is promoted" wait_for 60 promoted_is alpha beta
must "its array has both legs" wait_for 30 whole alpha
must "the file system is mounted there" wait_for 30 on alpha mountpoint -q /srv/data
on alpha dd if=/dev/urandom of=/srv/data/big bs=1M count=8 conv=fsync status=none
sum=$(on alpha sha256sum /srv/data/big)
sum=${sum%% *}
must "a client gets a file by the floating address" wait_for 30 served big "$sum"
times "state 1, both there" "$t"
nok "and not on beta" on beta mountpoint -q /srv/data

writer 0
must "numbered lines are written" wait_for 10 acked_over 50

# The process of the server alone: the cluster starts it again, and md does not
# notice.
t=$(now_ms)
ok "the server is killed" on beta sh -c 'kill -9 $(cat /run/resource-agents/enbd-mirror-data.pid)'
must "writes wait for a server that was killed" wait_for 10 dev_is nda parked
n=$(acked)
must "until the cluster has started it again" wait_for 60 acked_over $((n + 20))
times "server's process killed, writing on" "$t"
ok "md has not noticed" whole alpha

# 1 -> 2
t=$(now_ms)
power_off alpha
times "alpha is off" "$t"
n=$(acked)
must "the client gets its file from the survivor" wait_for 60 served big "$sum"
times "1 -> 2, client dead, service on beta" "$t"
ok "beta is promoted" promoted_is beta beta
fetch log >"$T/log"
ok "every line that was acknowledged ($n) is there" complete "$T/log" "$n"
like "$(on beta cat /proc/mdstat)" '\[2/1\]' "on a degraded array"
on beta dd if=/dev/urandom of=/srv/data/new bs=1M count=2 conv=fsync status=none
new=$(on beta sha256sum /srv/data/new)
new=${new%% *}

# 2 -> 1
t=$(now_ms)
power_on alpha
must "alpha is online again" wait_for 60 both_online beta
must "alpha is promoted again, once its leg is in sync" \
	wait_for 90 promoted_is alpha beta
must "its array has both legs" wait_for 30 whole alpha
must "the client gets what was written in the meantime" \
	wait_for 30 served new "$new"
times "2 -> 1, client back, in sync, failed back" "$t"
ok "and what was there before" served big "$sum"
is "$(mismatches alpha)" 0 "both legs are equal" || diag "$(differences)"
ok "its leg waits for beta for ever" waits_for_ever alpha

# 1 -> 3, with all that may be faster than the agent when beta is back
spawn monitor on alpha enbdctl monitor
spawn udev like_udev
fetch log >"$T/log"
n=$(wc -l <"$T/log")
writer "$n"
must "lines are written" wait_for 10 acked_over "$n"
t=$(now_ms)
power_off beta
n=$(acked)
must "lines are written on" wait_for 60 acked_over $((n + 20))
times "1 -> 3, server dead, writing on" "$t"
diag "longest wait of a write: $(awk '{ print $2 }' "$T/acked") ms"
ok "alpha is still promoted" promoted_is alpha alpha
ok "the client gets its file" served big "$sum"

# 3 -> 1
t=$(now_ms)
power_on beta
must "beta is back and its leg in sync" wait_for 90 whole alpha
times "3 -> 1, server back, in sync" "$t"
ok "alpha is still promoted" promoted_is alpha alpha
ok "beta may be promoted again" wait_for 30 all_current
ok "its leg is waited for, for ever" waits_for_ever alpha
on alpha pkill -f /srv/data/log
n=$(acked)
fetch log >"$T/log"
ok "every line that was acknowledged ($n) is there" complete "$T/log" "$n"
is "$(mismatches alpha)" 0 "both legs are equal"

[ $TAP_FAILED -eq 0 ] || cluster_diag
cluster_end
done_testing
