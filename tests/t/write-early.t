#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server answers a write when it has seen its header, while the driver still
# sends from the writer's memory. If that answer were believed the memory would be
# given back and could be changed on its way. It costs the channel, and the write
# is fenced and done by the other.
#
#     dd -- nda -- channels 0, 1 (small buffers) -- hostile_enbd.py

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/hostile_enbd.sh"

# A megabyte must not fit into the buffers of the connection.
wmem=$(cat /proc/sys/net/ipv4/tcp_wmem)
echo 4096 16384 16384 >/proc/sys/net/ipv4/tcp_wmem
start_hostile_enbd --rcvbuf 4096
head -c 1M /dev/urandom >"$T/data"

policy write=early fence=wait
need_connect "$URI" -n 2
spawn writer dd if="$T/data" of="$DEV" bs=1M count=1 oflag=direct
writer=$PID
ok "the channel is lost" wait_for 10 lost_one
is "$(cat "/sys/block/$NAME/channel$LOST/reason")" \
	"write answered before it was sent" "which says why"
ok "the write waits for the fence" wait_for 5 held 1
policy
ends 30 "$writer"
is $? 0 "then it completes"
ok "and is what was written" within 20 cmp -n 1M "$T/data" "$DEV"
ok "disconnect" disconnect
echo "$wmem" >/proc/sys/net/ipv4/tcp_wmem

done_testing
