#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# An error the server answers reaches the application as what it means, only
# for the request it answers; the channel stays. In simple and in structured
# replies.

. "$(dirname "$0")/../lib/enbd.sh"

trigger=$T/now

# says TEXT COMMAND: fails with that text of strerror
says()
{
	local text=$1 out

	shift
	out=$("$@" 2>&1) && return 1
	echo "$out"
	[[ $out =~ $text ]]
}

write_it()
{
	dd if=/dev/zero of="$DEV" bs=4k count=1 seek=2 oflag=direct
}

read_it()
{
	dd if="$DEV" of=/dev/null bs=4k count=1 skip=2 iflag=direct
}

# check ERROR TEXT [NBDKIT OPTIONS]
check()
{
	local error=$1 text=$2

	shift 2
	start_nbdkit "$@" --filter=error memory 1M error=$error error-rate=100% \
		error-file="$trigger"
	need_connect "$URI" -n 1
	touch "$trigger"
	ok "$error: a write" says "$text" write_it
	ok "$error: a read" says "$text" read_it
	rm "$trigger"
	ok "$error: afterwards a write works" write_it
	ok "$error: and a read" read_it
	is "$(chan_state nda 0)" live "$error: the channel lives"
	is "$(field 'ch[0]["errored"]')" 2 "$error: both are counted"
	ok "$error: disconnect" disconnect
	stop_server "$PID"
}

check EIO 'Input/output error'
check ENOSPC 'No space left on device'
# It would be refused on every path: a target error, no transport error.
check EPERM 'Remote I/O error|Operation not permitted'
check EINVAL 'Invalid argument|Remote I/O error'
check ENOMEM 'Input/output error|Cannot allocate memory'
check ENOSPC 'No space left on device' --no-sr

# A server that is shutting down has not done the request and never will: not
# the request's fault, so the channel is given up, as if it had been closed.
start_nbdkit --filter=error memory 1M error=ESHUTDOWN error-rate=100% \
	error-file="$trigger"
need_connect "$URI" -n 2 --dead-timeout 1
touch "$trigger"
nok "ESHUTDOWN: a write fails after the dead timeout" write_it
is "$(field '[c["state"] for c in ch]')" "['lost', 'lost']" \
	"ESHUTDOWN: the channels are lost"
like "$(field 'ch[0]["reason"]')" 'shutting down' "ESHUTDOWN: and the reason told"
rm "$trigger"
ok "ESHUTDOWN: a new channel" enbdctl channel add "$DEV"
ok "ESHUTDOWN: a write works" write_it
ok "ESHUTDOWN: disconnect" disconnect

done_testing
