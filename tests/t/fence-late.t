#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server that owes an answer to a fence, or is shutting down when it comes to
# it. The channel that was asked is lost, with the right reason; the write waits
# on, until a fence is answered on the next connection.
#
#     dd -- nda -- channels 0, 1 -- hostile_enbd.py

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/hostile_enbd.sh"

start_hostile_enbd

# fenced_at_last: the next connection is fenced, and the write done.
fenced_at_last()
{
	ok "the write waits" wait_for 5 held 1
	: >"$T/server"
	policy
	ok "a new channel" enbdctl channel add "$DEV"
	ends 20 "$writer"
	is $? 0 "the write completes"
	is "$(grep -E '^(fenced|write)' "$T/server" | cut -d ' ' -f 1 | uniq | head -n 2 | xargs)" \
		"fenced write" "first the fence, then the write"
}

# 1. no answer for ten times the I/O timeout
policy write=lose fence=wait
need_connect "$URI" -n 2 --io-timeout "$(seconds $((300 * SLOW)))"
lose_a_write fence=wait
ok "a fence is asked for" wait_for 10 server_says "^fence $LOST 1"
ok "the channel that was asked is lost" wait_for 20 dev_is "$NAME" parked
like "$(cat "/sys/block/$NAME/channel$((1 - LOST))/reason")" \
	'^no answer to a fence within [0-9]+ ms$' "which says why"
fenced_at_last
ok "disconnect" disconnect

# 2. the server is shutting down
policy write=lose fence=wait
need_connect "$URI" -n 2
lose_a_write fence=error:108
ok "a fence is answered with ESHUTDOWN: that channel goes, too" \
	wait_for 20 dev_is "$NAME" parked
is "$(cat "/sys/block/$NAME/channel$((1 - LOST))/reason")" \
	"the server is shutting down" "which says why"
fenced_at_last
ok "disconnect" disconnect

policy keepalive=error:108
need_connect "$URI" -n 2 --keepalive 0.2
ok "a keepalive is answered with ESHUTDOWN: the channels go" \
	wait_for 20 dev_is "$NAME" parked
for i in 0 1; do
	is "$(cat "/sys/block/$NAME/channel$i/reason")" \
		"the server is shutting down" "channel $i says why"
done
ok "disconnect" disconnect

done_testing
