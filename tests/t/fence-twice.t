#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A channel is lost with a write, connected again while its fence is not answered,
# and lost again with another write. The answer to the first fence says nothing
# about the second connection: another fence must be answered before any of these
# writes is sent again.
#
#     dd, dd, ... -- nda -- channels 0, 1 -- hostile_enbd.py

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/hostile_enbd.sh"

start_hostile_enbd

pending_is()
{
	[ "$(cat "/sys/block/$NAME/channel$1/pending")" = "$2" ]
}

held_is_more()
{
	[ "$(cat "/sys/block/$NAME/enbd/held")" -gt 1 ]
}

policy write=lose fence=wait
need_connect "$URI" -n 2
lose_a_write fence=wait
other=$((1 - LOST))
ok "a fence is asked for" wait_for 10 server_says "^fence $LOST 1"
policy fence=wait write.$LOST=lose write.$other=wait
ok "a new channel" enbdctl channel add "$DEV"
ok "takes the place" chan_is "$NAME" "$LOST" live

# The other channel is given nothing to answer, so some go to the new one.
writers=("$writer")
for i in 1 2 3 4 5 6; do
	write_one seek=$i
	writers+=("$writer")
done
ok "it is lost again" wait_for 10 chan_is "$NAME" "$LOST" lost
is "$(cat "/sys/block/$NAME/channel$LOST/incarnation")" 2 "the second of its place"
ok "with a write" held_is_more

policy fence=wait write.$LOST=lose
ok "what the other has is answered" wait_for 10 pending_is $other 0
ok "the lost writes wait" held_is_more
: >"$T/server"
policy
for i in "${writers[@]}"; do
	ends 20 "$i"
	is $? 0 "a write completes"
done
is "$(grep -E '^(fence|write)' "$T/server" | head -n 4 | sed 's/^write.*/write/' | xargs)" \
	"fenced fence $LOST 2 fenced write" \
	"the second is fenced, too, before anything is sent again"
ok "disconnect" disconnect

done_testing
