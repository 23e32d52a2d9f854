#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The signals of the original's daemons, to enbdctl monitor: USR1 gives up what
# waits, HUP and PWR try again at once, USR2 removes.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
port=$PORT
start_proxy "$port"
need_connect "$URI" -n 2 --dead-timeout 3600 /dev/nda
need_connect "$URI" -n 1 /dev/ndb
start_monitor --max-backoff 600

is "$(chan_values state nda)" "live live" "connected"
ok "the server cannot be reached any more" proxy refuse
ok "and all connections are lost" proxy cut "$(NAME=nda chan_port 0)"
ok "of the first device" proxy cut "$(NAME=nda chan_port 1)"
ok "the device waits" wait_for 10 dev_is nda parked
spawn dd dd if=/dev/nda of=/dev/null bs=4k count=1 iflag=direct
waiting()
{
	[ "$(cat /sys/block/nda/enbd/parked)" -gt 0 ]
}
ok "a request waits" wait_for 10 waiting

kill -USR1 "$MONITOR"
ends 10 "$PID"
is $? 1 "USR1: it fails"
is "$(cat /sys/block/nda/enbd/dead_timeout_ms)" 3600000 "its time limit is as it was"
is "$(dev_state nda)" failed "the device has failed"
is "$(dev_state ndb)" up "the other device is not concerned"
ok "the server can be reached again" proxy accept
ok "the other device loses its connection" proxy cut "$(NAME=ndb chan_port 0)"
ok "it waits" wait_for 10 dev_is ndb parked

two_live()
{
	[ "$(chan_values state nda)" = "live live" ]
}
kill -HUP "$MONITOR"
ok "HUP: everything is connected again" wait_for 5 two_live
ok "the other device, too" wait_for 5 dev_is ndb up
ok "and reads" within 20 dd if=/dev/nda of=/dev/null bs=4k count=1 iflag=direct

ok "once more" proxy refuse
ok "all is lost" proxy cut all
ok "the device waits" wait_for 10 dev_is nda parked
ok "the server is back" proxy accept
kill -PWR "$MONITOR"
ok "PWR: everything is connected again" wait_for 5 two_live
ok "the other device, too" wait_for 5 dev_is ndb up

ok "once more" proxy refuse
ok "the first device is lost" proxy cut "$(NAME=nda chan_port 0)"
ok "wholly" proxy cut "$(NAME=nda chan_port 1)"
ok "it waits" wait_for 10 dev_is nda parked

# What comes back before the monitor gets to it is not removed.
kill -STOP "$MONITOR"
ok "the server is back" proxy accept
ok "somebody else connects the device" enbdctl channel add nda
kill -USR2 "$MONITOR"
kill -CONT "$MONITOR"
told_paused()
{
	[ "$(grep -c 'nothing is connected again' "$T/monitor.log")" -ge 2 ]
}
ok "USR2: the monitor has seen it" wait_for 10 told_paused
ok "once more" proxy refuse
is "$(dev_state nda)" up "the device is still there"
# Where it is depends on whether the monitor was about to connect one.
cut_live()
{
	local dir state

	for dir in /sys/block/nda/channel*; do
		read -r state <"$dir/state"
		[ "$state" != live ] ||
			proxy cut "$(NAME=nda chan_port "${dir##*/channel}")"
	done
}
ok "the channel is lost" cut_live
ok "it waits" wait_for 10 dev_is nda parked
kill -USR2 "$MONITOR"
removed()
{
	[ ! -e /sys/block/nda ]
}
ok "USR2: it is removed" wait_for 10 removed
is "$(dev_state ndb)" up "the other device is not concerned"
ok "disconnect" disconnect ndb

done_testing
