#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor and the module: it keeps nobody from removing it, does not load
# it again, and looks after the devices of the next one.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
start_monitor --max-backoff 1
fds()
{
	ls "/proc/$MONITOR/fd" | wc -l
}
lives()
{
	[ "$(chan_values state)" = live ] && [ "$(field 'ch[0]["incarnation"]')" -gt 1 ]
}
told()
{
	[ "$(grep -c 'waiting for it' "$T/monitor.log")" = "$1" ]
}
for i in 1 2 3; do
	need_connect "$URI" -n 1
	ok "the channel is lost" proxy cut all
	ok "it comes back" wait_for 10 lives
	ok "disconnect" disconnect
	ok "the module can be removed" wait_for 10 rmmod enbd
	ok "the monitor knows" wait_for 10 told $i
	read -rt 0.5 -u "$NAP"
	ok "it stays away" test ! -d /sys/module/enbd
	[ $i -gt 1 ] || before=$(fds)
done
is "$(fds)" "$before" "the monitor has no more descriptors than after the first time"
ok "the monitor goes on" kill -0 "$MONITOR"

done_testing
