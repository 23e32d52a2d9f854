#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server whose verifier changed may have forgotten writes that it had
# acknowledged. If there was nothing to forget, nobody notices. Else the device
# is stale: what waits and what comes fails, at once and whatever channels come,
# the ranges are told, and only accepting their loss makes an end of it.
#
#     dd -- nda -- channels -- proxy (cut, refused) -- nbdkit
#
# What the server has "shown" is what the test tells the driver.

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit memory 16M
start_proxy "$PORT"
load_module

shown()
{
	"$ENBD_LIB/shown.py" "$@"
}

# Features: VERIFIER alone, since nbdkit knows nothing of fences.
need_device()
{
	NAME=$(shown add "$PORT" 8 s "$@") || die "device add" "$NAME"
	DEV=/dev/$NAME
}

# write_at OFFSET-IN-KIB KIB: acknowledged and not flushed
write_at()
{
	dd if=/dev/urandom of="$DEV" bs=4k seek=$(($1 / 4)) count=$(($2 / 4)) \
		oflag=direct conv=notrunc
}

read_it()
{
	dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
}

unflushed()
{
	cat "/sys/block/$NAME/enbd/unflushed"
}

cut_all()
{
	proxy refuse && proxy cut all && wait_for 5 dev_is "$NAME" "$1"
}

spawn events "$ENBD_LIB/shown.py" events
heard()
{
	grep -qE "$1" "$T/events.log"
}
ok "a listener" wait_for 10 heard listening

# 1. nothing to lose
need_device 1
is "$(unflushed)" 0 "nothing written yet"
is "$(cat "/sys/block/$NAME/enbd/region_size")" 65536 "regions of 64 KiB"
ok "write" write_at 1024 4
is "$(unflushed)" 65536 "that is in the journal"
ok "flush" sync "$DEV"
is "$(unflushed)" 0 "and no more"
note
ok "the server goes" cut_all parked
ok "and comes back" proxy accept
ok "with another verifier" shown channel 0 "$PORT" 8 s 2
is "$(dev_state)" up "up, as if nothing had happened"
ok "reading works" read_it
ok "writing works" write_at 0 4
nok "nothing in the log" log_has 'may have lost'
nok "it is not stale, so there is nothing to accept" shown accept 0
is "$(shown lost 0)" "" "and nothing lost to be told"

# 2. the same verifier, with something to lose: only a new process
ok "the server goes" cut_all parked
ok "and comes back" proxy accept
ok "with the same verifier" shown channel 0 "$PORT" 8 s 2
is "$(dev_state)" up "up"
is "$(unflushed)" 65536 "what is not flushed is still known"
ok "reading works" read_it

# 3. another verifier, with something to lose
ok "flush" sync "$DEV"
ok "write 4 KiB at 0" write_at 0 4
ok "8 KiB over the border of two regions" write_at $((1024 - 4)) 8
ok "the last block" write_at $((16384 - 4)) 4
is "$(unflushed)" $((4 * 65536)) "four regions"
ok "the server goes" cut_all parked
spawn writer dd if=/dev/zero of="$DEV" bs=4k count=1 oflag=direct conv=notrunc
writer=$PID
spawn reader dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
reader=$PID
waiting()
{
	[ "$(cat "/sys/block/$NAME/enbd/parked")" = 2 ]
}
ok "a reader and a writer wait" wait_for 10 waiting
is "$(shown lost 0)" "" "a parked device tells no loss"
note
ok "the server is back" proxy accept
ok "with another verifier: the channel is taken" shown channel 0 "$PORT" 8 s 3
is "$(dev_state)" stale "the device is stale"
is "$(chan_state "$NAME" 0)" live "the channel is connected"
ends 10 "$writer"
isnt $? 0 "the writer gets an error"
ends 10 "$reader"
isnt $? 0 "and the reader"
begin=$(now_ms)
nok "a read fails" read_it
nok "a write fails" write_at 0 4
nok "a flush fails" sync "$DEV"
num $(($(now_ms) - begin)) -lt $((1000 * SLOW)) "at once"
ok "the log names device and remedy" log_has "enbd: $NAME: .*lost.*fails until"
ok "an event says so" wait_for 5 heard '^device-ntf device-state stale '
is "$(shown lost 0 | xargs)" \
	"0+65536 983040+131072 $((16777216 - 65536))+65536" \
	"the ranges are those written, joined"
is "$(unflushed)" $((4 * 65536)) "and so many bytes"
is "$(setpriv --reuid 65534 --clear-groups "$ENBD_LIB/shown.py" lost 0 |
	cut -d: -f1)" EPERM "only for the administrator"

ok "another channel" shown channel 0 "$PORT" 8 s 3
is "$(dev_state)" stale "does not change it"
ok "nor does one of the verifier before" shown channel 0 "$PORT" 8 s 2
is "$(dev_state)" stale "still stale"
ok "nor losing them all" proxy cut all
ok "lost" wait_for 5 chan_is "$NAME" 0 lost
is "$(dev_state)" stale "still stale"
ok "a channel again" shown channel 0 "$PORT" 8 s 3
is "$(dev_state)" stale "still stale"
nok "reading fails" read_it
is "$(shown lost 0 | wc -l)" 3 "the ranges are the same"

note
ok "accept" shown accept 0
is "$(dev_state)" up "up"
ok "an event" wait_for 5 heard '^device-ntf device-accepted up '
ok "the log" log_has "enbd: $NAME: .*accepted"
is "$(unflushed)" 0 "the journal is empty"
is "$(shown lost 0)" "" "nothing is lost any more"
ok "reading works" read_it
ok "writing works" write_at 0 4
like "$(shown accept 0)" '^EINVAL: .*not stale.*\[index\]' "not twice"

# 4. the verifier that was accepted is the device's
ok "the server goes" cut_all parked
ok "and comes back" proxy accept
ok "with the verifier that was accepted" shown channel 0 "$PORT" 8 s 3
is "$(dev_state)" up "up, though not everything is flushed"
is "$(unflushed)" 65536 "which is known"

# 5. while a channel of the old verifier lives, and does not know better
ok "another verifier" shown channel 0 "$PORT" 8 s 4
is "$(dev_state)" stale "stale"
like "$(chan_values state)" "^lost live" "the other channel was given up"
like "$(cat "/sys/block/$NAME/channel0/reason")" verifier "for that reason"
ok "the server goes" proxy cut all
ok "lost" wait_for 5 chan_is "$NAME" 1 lost
ok "accept without a channel" shown accept 0
is "$(dev_state)" parked "parked"
ok "a channel" shown channel 0 "$PORT" 8 s 4
is "$(dev_state)" up "up"
ok "reading works" read_it
ok "disconnect" wait_for 5 disconnect

# 6. dead-timeout is as ever; it begins anew when the loss was accepted
need_device 1 dead-timeout=1000
ok "write" write_at 0 4
ok "the server goes" cut_all failed
nok "a write fails" write_at 0 4
ok "it comes back" proxy accept
ok "with another verifier" shown channel 0 "$PORT" 8 s 2
is "$(dev_state)" stale "failed becomes stale"
ok "it goes again" proxy cut all
ok "lost" wait_for 5 chan_is "$NAME" 0 lost
is "$(dev_state)" stale "stale"
ok "accept" shown accept 0
ok "and is failed after the time" wait_for 10 dev_is "$NAME" failed
ok "a channel" shown channel 0 "$PORT" 8 s 2
is "$(dev_state)" up "up"
ok "disconnect" wait_for 5 disconnect

# 7. a write that waits for a fence does not wait until that is answered
NAME=$(shown add "$PORT" 9 s 1 io-timeout=300000) || die "device add" "$NAME"
DEV=/dev/$NAME
ok "write" write_at 0 4
ok "hold what is sent" proxy hold all up
spawn writer dd if=/dev/zero of="$DEV" bs=4k count=1 oflag=direct conv=notrunc
writer=$PID
pending()
{
	[ "$(chan_sum pending)" = 1 ]
}
held()
{
	[ "$(cat "/sys/block/$NAME/enbd/held")" = "$1" ]
}
ok "a write is under way" wait_for 10 pending
ok "the channel is lost" proxy cut all
ok "the write is held" wait_for 10 held 1
ok "another verifier, and no answer to the fence" \
	shown channel 0 "$PORT" 9 s 2 hold="$PROXY_CTL"
is "$(dev_state)" stale "stale"
is "$(chan_state "$NAME" 0)" fencing "the fence is not answered"
ends 10 "$writer"
isnt $? 0 "the write fails"
ok "nothing is held" held 0
ok "accept" shown accept 0
is "$(dev_state)" parked "parked, until there is a fence"
is "$(chan_state "$NAME" 0)" fencing "which there is still to be"
ok "disconnect" within 10 enbdctl disconnect --force "$DEV"
ok "gone" wait_for 5 no_devices

# 8. a stale device can be removed
need_device 1
ok "write" write_at 0 4
ok "another verifier" shown channel 0 "$PORT" 8 s 2
is "$(dev_state)" stale "stale"
ok "disconnect" wait_for 5 disconnect
need_device 1
ok "write" write_at 0 4
ok "another verifier" shown channel 0 "$PORT" 8 s 2
exec 8<"$DEV"
ok "disconnect --force, while open" within 10 enbdctl disconnect --force "$DEV"
exec 8<&-
ok "gone" wait_for 5 no_devices

done_testing
