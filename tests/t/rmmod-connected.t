#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# rmmod while devices exist: refused while one is open, and otherwise it takes
# them along in order, whether they are up or parked, and whether their server
# answers the last flush or not.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
sockets=$(count_sockets)

back()
{
	[ "$(count_sockets)" -le "$sockets" ]
}

need_connect "$URI" -n 2
need_connect "$URI" -n 2
exec 8<"$DEV"
status 1 "refused while a device is open" within 10 rmmod enbd
ok "which works as before" dd if="$DEV" of=/dev/null bs=64k iflag=direct
exec 8<&-

# Devices that nobody has open may go with the module, or keep it; what may not
# happen is a device without its module.
if within 20 rmmod enbd 2>"$T/err"; then
	pass "devices that are not open go with the module"
	ok "their nodes are gone" wait_for 5 no_devices
	ok "and their sockets" wait_for 5 back
	modprobe enbd
else
	pass "devices keep the module: $(cat "$T/err")"
	ok "and still work" dd if="$DEV" of=/dev/null bs=64k iflag=direct
	ok "disconnect --all" enbdctl disconnect --all
	ok "then it goes" wait_for 5 rmmod enbd
	modprobe enbd
fi

need_connect "$URI" -n 2 --dead-timeout 0
proxy refuse >/dev/null
ok "cut all channels" proxy cut all
ok "parked" wait_for 5 dev_is nda parked
within 20 rmmod enbd 2>/dev/null ||
	ok "disconnect --force" within 10 enbdctl disconnect --force "$DEV"
ok "no device" wait_for 5 no_devices
[ ! -d /sys/module/enbd ] || ok "rmmod" wait_for 5 rmmod enbd
is "$(count_threads)" 0 "no thread"

# A server that goes silent at that flush, and that nobody declares dead: rmmod
# waits for it as long as disconnect does; killed, it does not wait any longer.
going()
{
	[ "$(cat /sys/module/enbd/initstate)" = going ]
}

silent_flush()
{
	start_hostile flush-silence --at 0 --times -1
	need_connect "$URI" --io-timeout 0
	if ! rmmod_may; then
		skip "rmmod and a silent server" "with lockdep, sockets keep the module"
		ok "disconnect --force" enbdctl disconnect --force "$DEV"
		return
	fi
	spawn rmmod rmmod enbd
	ok "rmmod begins" wait_for 10 going
	read -rt 0.3 -u "$NAP"
	nok "and waits for the silent server" gone "$PID"
	kill -9 "$PID"
	ends 5 "$PID"
	is $? 137 "it can be killed"
	ok "which only makes it hurry" not_left
	modprobe enbd
	need_connect "$URI" --io-timeout 0.1
	ok "rmmod ends when the channel is lost" within 10 rmmod enbd
	ok "nothing is left" not_left
} 2>/dev/null
load_module
silent_flush

done_testing
