#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The server's kernel cannot write back what was acknowledged. The flush fails,
# the monitor connects again, and the device is stale: md above ignores a failed
# flush, so nothing must go on as if the data were there. The same if nobody
# flushes, and if the server has been killed when it happens.
#
#     nda -- monitor -- enbd-server -- /dev/ram0, which fails when told to

. "$(dirname "$0")/../lib/enbd.sh"

fail=/sys/kernel/debug/fail_make_request
mount -t debugfs none /sys/kernel/debug 2>/dev/null
[ -d "$fail" ] || skip_all "this kernel cannot make a disk fail"
[ -e /sys/block/ram0/make-it-fail ] || skip_all "there is no ram disk"

end_failing()
{
	echo 0 >"$fail/probability"
	echo 0 >/sys/block/ram0/make-it-fail
}
trap 'end_failing; clean_up' EXIT

begin_failing()
{
	echo 0 >"$fail/verbose"
	echo -1 >"$fail/times"
	echo 1 >/sys/block/ram0/make-it-fail
	echo 100 >"$fail/probability"
}

# write_at KIB KIB: acknowledged and not flushed
write_at()
{
	dd if=/dev/urandom of="$DEV" bs=4k seek=$(($1 / 4)) count=$(($2 / 4)) \
		oflag=direct conv=notrunc
}

read_it()
{
	dd if="$DEV" of=/dev/null bs=64k count=4 iflag=direct
}

start_server /dev/ram0
SERVER=$PID
need_connect "$URI" -n 2
start_monitor
ok "write" write_at 0 64
ok "flush" sync "$DEV"
is "$(field 'dev["unflushed"]')" 0 "all is flushed"

ok "write" write_at 1024 8
begin_failing
nok "the flush fails" sync "$DEV"
ok "the device is stale" wait_for 20 dev_is "$NAME" stale
ok "the log says so" wait_for 5 log_has "$NAME: .*may have lost"
nok "reading fails" read_it
nok "writing fails" write_at 0 4
is "$(enbdctl lost-regions "$DEV" | grep -c 1048576)" 1 "the region is told"
end_failing
ok "accept" enbdctl accept "$DEV"
ok "up" wait_for 20 dev_is "$NAME" up
ok "reading works" read_it
ok "what is written now" write_at 1024 8
ok "can be flushed" sync "$DEV"
is "$(dev_state)" up "and that is all"

ok "write" write_at 2048 8
begin_failing
ok "the server's kernel writes back by itself" within 20 sync
end_failing
ok "the device is stale, though nobody has flushed" wait_for 10 dev_is "$NAME" stale
is "$(enbdctl lost-regions "$DEV" | grep -c 2097152)" 1 "the region is told"
ok "accept" enbdctl accept "$DEV"
ok "up" wait_for 20 dev_is "$NAME" up

ok "write" write_at 3072 8
ok "flush" sync "$DEV"
ok "write" write_at 3584 8
begin_failing
kill -9 "$SERVER"
ok "the server is killed" wait_for 10 gone "$SERVER"
# With its last thread the device has been closed, which writes all back.
wait "$SERVER" 2>/dev/null
end_failing
start_again "$PORT" /dev/ram0
ok "the device is stale: what it had taken is lost" wait_for 20 dev_is "$NAME" stale
like "$(cat "$T/enbd-server.log")" "could not be written back" "the server's log says so"
is "$(enbdctl lost-regions "$DEV")" "3670016 65536" "the region is told"
ok "accept" enbdctl accept "$DEV"
ok "up" wait_for 20 dev_is "$NAME" up
ok "reading works" read_it
ok "disconnect" disconnect

done_testing
