#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server without the extension cannot be asked to fence. A lost channel is
# told goodbye; if the server closes it in time, its writes are sent again. If
# it does not, the policy decides: they are sent again unfenced, which the log
# says, or they fail.
#
#     dd -- nda -- channels 0, 1 -- proxy (holds back what goes up) -- nbdkit

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit memory 8M
start_proxy "$PORT"

# Held back, a write finds no answer on either channel; whose it was is lost.
hold_a_write()
{
	ok "hold back what goes to the server" proxy hold all up
	spawn writer dd if=/dev/urandom of="$DEV" bs=4k count=1 oflag=direct
	writer=$PID
	ok "the write's channel is lost" wait_for 10 lost_one
}

held()
{
	[ "$(cat "/sys/block/$NAME/enbd/held")" = "$1" ]
}

spawn events enbdctl events

# 1. it ends in time
need_connect "$URI" -n 2 --io-timeout 1
is "$(cat "/sys/block/$NAME/enbd/fencing")" unfenced "no promise is made"
hold_a_write
ok "the write is held" wait_for 2 held 1
ok "let the server have it" proxy release all
ends 20 "$writer"
is $? 0 "the write completes"
ok "the server's goodbye was the fence" wait_for 10 \
	grep -qx "$NAME channel $LOST: channel-fenced[^:]*" "$T/events.log"
ok "and then it was sent again" wait_for 10 \
	grep -q "channel $LOST: channel-replayed" "$T/events.log"
nok "nothing was unfenced" log_has "could not be fenced"
ok "disconnect" disconnect

# 2. it does not, as kernel nbd would have it
need_connect "$URI" -n 2 --io-timeout 1
hold_a_write
ok "the other channel works" proxy release "$(chan_port $((1 - LOST)))"
ends 30 "$writer"
is $? 0 "the write completes all the same"
ok "the log says that it was not fenced" wait_for 10 \
	log_has "$NAME: channel $LOST could not be fenced, its writes are sent again"
ok "and so does an event" wait_for 10 \
	grep -q "channel $LOST: channel-unfenced" "$T/events.log"
ok "nothing is held" held 0
ok "disconnect" disconnect
proxy cut all >/dev/null

# 3. it does not, and must
need_connect "$URI" -n 2 --io-timeout 1 --replay fenced
is "$(cat "/sys/block/$NAME/enbd/fencing")" "fenced by close" "a promise is made"
hold_a_write
ok "the other channel works" proxy release "$(chan_port $((1 - LOST)))"
ends 30 "$writer"
is $? 1 "the write fails"
like "$(cat "$T/writer.log")" 'Input/output error' "with an I/O error"
ok "the log says so" wait_for 10 \
	log_has "$NAME: channel $LOST could not be fenced, its writes fail"
ok "reading works" dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
ok "disconnect" disconnect

done_testing
