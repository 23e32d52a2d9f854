#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor with more devices of a server that takes connections and says
# nothing than it has threads: a device of another server gets its turn.
#
#     nda --------- proxy b ------------+-- enbd-server
#     ndb ... ----- proxy a (swallows) -'

. "$(dirname "$0")/../lib/enbd.sh"

# The proxy keeps what it swallows.
ulimit -n 16384
truncate -s 1M "$T/disk"
start_server "$T/disk"
port=$PORT
start_proxy "$port"
a=$URI a_ctl=$PROXY_CTL
start_proxy "$port"
b=$URI b_ctl=$PROXY_CTL

need_connect "$b" -n 1 /dev/nda
many()
{
	local i

	for ((i = 0; i < 140; i++)); do
		enbdctl connect "$a" -n 1 --hw-queues 1 --queue-depth 1 --handshake-timeout 2 || return 1
	done >/dev/null
}
ok "140 devices of one server" many
start_monitor --max-backoff 0.2
ok "it accepts and says nothing" proxy_at "$a_ctl" swallow
ok "and loses its connections" proxy_at "$a_ctl" cut all
read -rt 10 -u "$NAP"
begin=$(now_ms)
ok "a device of another loses its channel" proxy_at "$b_ctl" cut all
again()
{
	[ "$(cat /sys/block/nda/channel0/incarnation)" -gt 1 ] && dev_is nda up
}
ok "it gets its turn" wait_for 10 again
diag "after $(($(now_ms) - begin)) ms"
ok "the server speaks" proxy_at "$a_ctl" accept
kill "$MONITOR"
ok "disconnect" within 60 enbdctl disconnect --all --force

done_testing
