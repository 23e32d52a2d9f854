#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server without the extension was told goodbye, and has two seconds to close
# the connection, which would be a fence. The dead timeout and force do not wait
# for that: they cut the connection, and an end that we have made ourselves is no
# fence, over a Unix socket either, where it looks like the server's.
#
#     dd -- nda -- channel 0 -- nbdkit (stopped)

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit_unix()
{
	spawn nbdkit nbdkit -f -U "$T/sock" -P "$T/unix.pid" memory 8M
	await_server nbdkit "$T/unix.pid"
	URI="nbd+unix:///?socket=$T/sock"
}

held()
{
	[ "$(cat "/sys/block/$NAME/enbd/held")" = "$1" ]
}

# The server sleeps. The only channel is lost, with a write on it.
lose_a_write()
{
	freeze "$server"
	spawn writer dd if=/dev/urandom of="$DEV" bs=4k count=1 oflag=direct
	writer=$PID
	ok "$how: a write's channel is lost" wait_for 10 chan_is "$NAME" 0 lost
	ok "$how: the write is held" wait_for 2 held 1
}

for how in tcp unix; do
	if [ $how = tcp ]; then
		start_nbdkit memory 8M
	else
		start_nbdkit_unix
	fi
	server=$PID
	note
	spawn "events-$how" enbdctl events
	need_connect "$URI" -n 1 --io-timeout 0.5 --dead-timeout 1 --replay fenced
	lose_a_write
	ends 20 "$writer"
	is $? 1 "$how: after the dead timeout the write fails"
	ok "$how: it was not fenced, says the log" wait_for 10 \
		log_has "$NAME: channel 0 could not be fenced, its writes had failed before"
	ok "$how: and an event" wait_for 10 \
		grep -q "channel 0: channel-unfenced" "$T/events-$how.log"
	nok "$how: nothing was fenced" grep "channel-fenced" "$T/events-$how.log"
	kill -CONT "$server"
	ok "$how: a new channel" enbdctl channel add "$DEV"
	ok "$how: works" within 10 dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
	ok "$how: disconnect" disconnect

	need_connect "$URI" -n 1 --io-timeout 0.5
	lose_a_write
	begin=$(now_ms)
	ok "$how: disconnect --force" within 10 enbdctl disconnect --force "$DEV"
	num $(($(now_ms) - begin)) -lt $((1000 * SLOW)) "$how: does not wait for the server"
	ends 20 "$writer"
	is $? 1 "$how: the write fails"
	ok "$how: nothing is left" wait_for 5 no_devices
	kill -CONT "$server"
done

done_testing
