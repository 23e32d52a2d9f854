#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The dead timeout: no channel is left for so long, and whatever waits fails
# within a second of it; what was parked as well as what is held for a fence,
# since its first copy may be anywhere. And a write that was given up so does not
# come later, either: the next channel carries nothing before the fence.

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/ghost.sh"

dead=2000		# ms

truncate -s 4M "$T/disk"
start_server "$T/disk"
start_ghost "$PORT"
for what in old new; do
	yes "$what" | head -c 4096 >"$T/$what"
done

put()
{
	dd if="$T/$1" of="$DEV" bs=4k count=1 seek="${2:-0}" oflag=direct \
		status=none
}

content()
{
	dd if="$DEV" bs=4k count=1 iflag=direct status=none | head -n 1
}

# in_time BEGIN NAME: not before the dead timeout, and within a second of it.
in_time()
{
	local ms=$(($(now_ms) - $1))

	diag "$2: after $ms ms"
	num $ms -ge $((dead - 100)) "$2: not too early"
	num $ms -le $((dead + 1000 * SLOW)) "$2: within a second"
}

need_connect "nbd://127.0.0.1:$PORT" -n 2 --dead-timeout "$(seconds $dead)"
for how in rst fin; do
	ok "$how: a write is caught" catch_write write put old
	held=$FIRST
	ok "$how: nobody listens" ghost refuse
	begin=$(now_ms)
	ok "$how: all channels die" ghost cut all $how
	ok "$how: parked" wait_for 5 dev_is "$NAME" parked
	num "$(field 'dev["held"]')" -ge 1 "$how: the write is held"
	spawn parked put new 8
	parked=$PID
	ends 20 "$parked"
	isnt $? 0 "$how: a parked write fails"
	in_time "$begin" "$how: a parked write"
	ends 20 "$held"
	isnt $? 0 "$how: the held write fails"
	in_time "$begin" "$how: the held write"
	is "$(dev_state)" failed "$how: the device has failed"
	begin=$(now_ms)
	nok "$how: what comes later fails" put new
	num $(($(now_ms) - begin)) -lt $((500 * SLOW)) "$how: at once"

	ok "$how: somebody listens" ghost accept
	ok "$how: new channels" enbdctl channel add "$DEV" -n 2
	ok "$how: up" wait_for 10 dev_is "$NAME" up
	ok "$how: newer data" put new
	ok "$how: the write that failed comes to the server" let_go "$HELD"
	diag "the proxy: $RELEASED"
	is "$(content)" new "$how: and does nothing"
done
ok "disconnect" disconnect

done_testing
