#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor, whose log is on the device that it is to connect, is killed while
# a line waits for that device: what cannot end then is in nobody's way, the next
# monitor starts and connects it.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/monitor.sh"

mkdir "$T/mnt"
truncate -s 32M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 2 --dead-timeout 3600
ok "mkfs" mkfs.ext4 -q -F "$DEV"
ok "mount" mount -o sync "$DEV" "$T/mnt"
MONITOR_LOG=$T/mnt/log start_monitor --max-backoff 1
stuck=$MONITOR

# stuck_in STATE: a thread of it is
stuck_in()
{
	grep -q "^State:[[:space:]]*$1" "/proc/$stuck"/task/*/status
}

ok "the server cannot be reached" proxy refuse
ok "all is lost" proxy cut all
ok "the device waits" wait_for 10 dev_is "$NAME" parked
ok "a line waits for it" wait_for 10 stuck_in D
kill -9 "$stuck"
ok "the monitor is killed" wait_for 10 stuck_in Z
ok "but for what waits" stuck_in D
start_monitor --max-backoff 1
pass "another one starts"
ok "the server can be reached" proxy accept
ok "all is connected" wait_for 10 all_live 2
ends 10 "$stuck"
is $? 137 "what has waited ends"
ok "umount" umount "$T/mnt"
ok "disconnect" disconnect

done_testing
