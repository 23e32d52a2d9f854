#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor does not wait for its log: with a full pipe that nobody reads it
# connects what is lost, obeys, and ends; what there was no room for is counted.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/monitor.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
need_connect "$URI" -n 2 --dead-timeout 3600

mkfifo "$T/log"
exec {LOG}<>"$T/log"
fill()
{
	dd if=/dev/zero of="$T/log" bs=4096 oflag=nonblock 2>/dev/null
	dd if=/dev/zero of="$T/log" bs=1 oflag=nonblock 2>/dev/null
}
fill
MONITOR_LOG=$T/log start_monitor --max-backoff 1
pass "the monitor is ready, though nobody reads what it says"

# Each time it has several lines to say
for i in {1..40}; do
	proxy cut all >/dev/null && wait_for 10 all_live 2 || break
done
is "$i" 40 "it connects what is lost, time after time"
kill -USR1 "$MONITOR"
ok "the server cannot be reached" proxy refuse
ok "all is lost" proxy cut all
ok "the device waits" wait_for 10 dev_is "$NAME" parked
kill -USR1 "$MONITOR"
ok "it obeys: the requests are given up" wait_for 10 dev_is "$NAME" failed
ok "the server can be reached" proxy accept
kill -HUP "$MONITOR"
ok "it obeys: all is connected" wait_for 10 all_live 2

# Some lines have waited, others were left out.
spawn reader sed -u 's/\x00*//' "$T/log"
ok "what it said first is there" wait_for 10 grep -q "channel [01] is connected again" "$T/reader.log"
ok "a channel is lost" proxy cut "$(chan_port 0)"
ok "it says how many lines were too many" wait_for 10 grep -q "and [0-9]* lines before that were too many" "$T/reader.log" ||
	diag "$(tail -n 5 "$T/reader.log")"
kill -STOP "$PID"
fill
proxy cut "$(chan_port 0)" >/dev/null
ok "connected" wait_for 10 all_live 2
kill -TERM "$MONITOR"
ends 10 "$MONITOR"
is $? 0 "TERM: it ends, though its last lines cannot be written"
kill -CONT "$PID"
ok "disconnect" disconnect

done_testing
