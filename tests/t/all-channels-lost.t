#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# No channel left. Requests are parked and complete when a new channel comes;
# after the dead timeout they fail, and so does all that follows, promptly. And
# never can a parked request stand in the way of disconnect --force or rmmod.
#
#     dd -- nda -- channels 0, 1 -- proxy (cut, refused) ---- server

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 8M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"

read_it()
{
	dd if="$DEV" of=/dev/null bs=64k count=4 iflag=direct
}

write_it()
{
	dd if=/dev/urandom of="$DEV" bs=64k count=4 oflag=direct
}

parked()
{
	[ "$(cat "/sys/block/$NAME/inflight" | awk '{ print $1 + $2 }')" -gt 0 ]
}

cut_all()
{
	proxy refuse && proxy cut all && wait_for 5 dev_is "$NAME" "$1"
}

# 1. parked, and carried on
need_connect "$URI" -n 2 --dead-timeout 0
ok "cut both channels: parked" cut_all parked
spawn writer dd if=/dev/urandom of="$DEV" bs=64k count=4 oflag=direct
writer=$PID
ok "a write waits" wait_for 5 parked
is "$(field 'dev["state"]')" parked "status says so"
ok "the server is back" proxy accept
ok "a new channel" enbdctl channel add "$DEV"
ends 40 "$writer"
is $? 0 "the write completes without an error"
is "$(dev_state)" up "up again"
ok "reading works" read_it
ok "disconnect" wait_for 5 disconnect

# 2. the dead timeout
need_connect "$URI" -n 2 --dead-timeout 2
ok "cut both channels: parked" cut_all parked
begin=$(now_ms)
status 1 "a read fails" within 20 dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
num $(($(now_ms) - begin)) -lt $((8000 * SLOW)) "after the dead timeout"
is "$(dev_state)" failed "the device failed"
begin=$(now_ms)
nok "the next fails as well" read_it
nok "and a write" write_it
num $(($(now_ms) - begin)) -lt $((1000 * SLOW)) "at once"
ok "the server is back" proxy accept
ok "a new channel" enbdctl channel add "$DEV"
is "$(dev_state)" up "up again"
ok "reading works" read_it
ok "writing works" write_it
ok "disconnect" wait_for 5 disconnect

# 3. disconnect --force with requests parked for ever
need_connect "$URI" -n 2 --dead-timeout 0
ok "cut both channels: parked" cut_all parked
spawn writer dd if=/dev/urandom of="$DEV" bs=64k count=4 oflag=direct
writer=$PID
spawn reader dd if="$DEV" of=/dev/null bs=64k count=4 iflag=direct
reader=$PID
ok "requests wait" wait_for 5 parked
status 6 "disconnect without --force: busy" disconnect
ok "disconnect --force ends" within 10 enbdctl disconnect --force "$DEV"
ok "the writer ends" wait_for 5 gone "$writer"
ends 40 "$writer"
isnt $? 0 "with an error"
ok "the reader ends" wait_for 5 gone "$reader"
ends 40 "$reader"
isnt $? 0 "with an error"
ok "the device is gone" wait_for 5 no_devices
ok "the module can go" wait_for 5 rmmod enbd
ok "and come" modprobe enbd

# 4. buffered data that cannot be written back do not hold it either
ok "the server is back" proxy accept
need_connect "$URI" -n 1 --dead-timeout 0
ok "cut it: parked" cut_all parked
spawn dirty dd if=/dev/zero of="$DEV" bs=64k count=16 conv=fsync
ok "dirty pages wait" wait_for 5 parked
ok "disconnect --force ends" within 10 enbdctl disconnect --force "$DEV"
ok "the device is gone" wait_for 5 no_devices

done_testing
