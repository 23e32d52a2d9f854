#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl monitor: a single channel that is lost comes back, and so does a whole
# device when its server was restarted, without anybody's help and without an
# I/O error. What the administrator has removed stays away.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
start_server "$T/disk"
server=$PID port=$PORT
start_proxy "$port"
proxied=$URI
need_connect "$proxied" -n 4

says()
{
	grep -q -- "$1" "$T/monitor.log"
}
start_monitor --max-backoff 1
status 6 "a second monitor is refused" enbdctl monitor

states()
{
	chan_values state
}
all_live()
{
	[ "$(states)" = "live live live live" ]
}
ok "four channels" all_live

spawn fio fio --name=v --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
	--ioengine=libaio --iodepth=16 --verify=crc32c --aux-path="$T" \
	--rate_iops=$(scale 1000 150) --size=$(scale 8 2)M
fio=$PID
ok "cut one channel" proxy cut "$(chan_port 2)"
returned()
{
	[ "$(field 'ch[2]["incarnation"]')" -gt 1 ] && all_live
}
ok "it comes back" wait_for 10 returned
ok "the log says so" wait_for 5 says "channel 2 is connected again"
ends 60 "$fio"
is $? 0 "the load meets no error"

stop_server "$server"
ok "the server is gone: the device waits" wait_for 10 dev_is "$NAME" parked
start_again "$port" "$T/disk"
ok "the server is back: so are all channels" wait_for 15 all_live
ok "and reads" within 20 dd if="$DEV" of=/dev/null bs=64k iflag=direct

ok "channel del" enbdctl channel del "$DEV" 1
ok "cut another" proxy cut "$(chan_port 3)"
three()
{
	[ "$(states)" = "live live live" ] && [ "$(field 'ch[2]["incarnation"]')" -gt 2 ]
}
ok "the one that was cut comes back" wait_for 10 three
is "$(field '[c["index"] for c in ch]')" "[0, 2, 3]" \
	"the one that was removed does not"
ok "disconnect" disconnect
ok "nothing is remembered" test ! -e "$ENBD_RUN_DIR/$NAME.json"
ok "nothing connects it again" no_devices

need_connect "$proxied" -n 1
ok "a device that comes later is looked after, too" proxy cut "$(chan_port 0)"
one()
{
	[ "$(states)" = live ] && [ "$(field 'ch[0]["incarnation"]')" -gt 1 ]
}
ok "it comes back" wait_for 10 one
kill -TERM "$MONITOR"
ends 10 "$MONITOR"
is $? 0 "SIGTERM ends the monitor"
ok "disconnect" disconnect

done_testing
