#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server without the extension closes a connection by itself, with a write on
# its way. That it closes one that it was told goodbye on is a fence; an end that
# came before the goodbye says nothing about the write. With --replay fenced it
# fails.
#
#     dd -- nda -- channels 0, 1 -- proxy (closes one) -- nbdkit

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit memory 8M
start_proxy "$PORT"

# One of the two waits for an answer, sets BUSY.
busy_one()
{
	local pending

	read -ra pending <<<"$(chan_values pending)"
	for BUSY in 0 1; do
		[ "${pending[BUSY]}" = 1 ] && return 0
	done
	return 1
}

need_connect "$URI" -n 2 --replay fenced
ok "hold back what goes to the server" proxy hold all up
spawn writer dd if=/dev/urandom of="$DEV" bs=4k count=1 oflag=direct
writer=$PID
ok "a write is under way" wait_for 10 busy_one
# reads all that has come, so that the end is no reset
ok "the proxy has all of it" proxy hold all up
ok "its connection ends" proxy end "$(chan_port "$BUSY")"
ends 20 "$writer"
is $? 1 "the write fails"
is "$(field "ch[$BUSY]['reason']")" "closed by the server" "the end was in order"
ok "and no fence" log_has \
	"$NAME: channel $BUSY could not be fenced, its writes fail"
proxy release all >/dev/null
ok "the other channel works" within 10 \
	dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
ok "disconnect" disconnect

done_testing
