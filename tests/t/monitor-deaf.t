#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor when the kernel is short of something: an event that it has not
# heard costs half a minute, a driver that it cannot ask for a moment a second. A
# driver that is not there it does not load.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/monitor.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
rmmod enbd
start_monitor --max-backoff 1
ok "it waits for a driver, and does not load it" test ! -d /sys/module/enbd
need_connect "$URI" -n 1
again()
{
	[ "$(chan_state "$NAME" 0)" = live ] && [ "$(cat "/sys/block/$NAME/channel0/incarnation")" -gt "$1" ]
}

# It has looked for the last time
read -rt 1 -u "$NAP"
kill -STOP "$MONITOR"
incarnation=$(cat "/sys/block/$NAME/channel0/incarnation")
ok "a channel is lost" proxy cut all
ok "the device waits" wait_for 10 dev_is "$NAME" parked
read -rt 0.5 -u "$NAP"
num "$("$ENBD_LIB/deafen.py" "$MONITOR")" -gt 0 "the monitor will not have heard of it"
kill -CONT "$MONITOR"
read -rt 3 -u "$NAP"
is "$(dev_state)" parked "it has not"
ok "it looks all the same" wait_for 40 again "$incarnation"
ok "disconnect" disconnect

# No descriptor more than it has
ok "the module is removed" wait_for 10 rmmod enbd
ok "the monitor knows" wait_for 10 grep -q "module enbd is gone" "$T/monitor.log"
ok "no more sockets for it" prlimit --pid "$MONITOR" --nofile=8:1024
need_connect "$URI" -n 1
ok "it cannot ask" wait_for 10 grep -q "Too many open files; asking again" "$T/monitor.log"
ok "a channel is lost" proxy cut all
read -rt 1.5 -u "$NAP"
ok "it may open sockets again" prlimit --pid "$MONITOR" --nofile=1024:1024
ok "the channel is connected" wait_for 5 again 1
num "$(grep -c 'Too many open files' "$T/monitor.log")" -le 2 "it has said so, but not time after time"
ok "disconnect" disconnect
ok "the module is removed" wait_for 10 rmmod enbd
read -rt 3 -u "$NAP"
ok "and not loaded again" test ! -d /sys/module/enbd

done_testing
