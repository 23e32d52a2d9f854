#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server that speaks the extension and breaks its promises. A write of a lost
# channel is not sent again before the server has said that the channel is
# fenced; a fence that is refused, answered with nonsense, or never, costs the
# channel that it was asked on and never the disk; what waits for a fence is
# ended by the dead timeout and by force.
#
#     dd -- nda -- channels 0, 1 -- hostile_enbd.py

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/hostile_enbd.sh"

start_hostile_enbd

# 1. not before the fence
need_connect "$URI" -n 2
is "$(cat "/sys/block/$NAME/enbd/fencing")" fenced "the server promises to fence"
policy write=lose fence=wait
lose_a_write fence=wait
ok "a fence is asked for" wait_for 10 server_says "^fence $LOST 1"
ok "the write waits" wait_for 5 held 1
ok "others do not" within 10 dd if="$DEV" of=/dev/null bs=4k count=4 iflag=direct
nok "nothing was written" server_says '^write'
is "$(field 'dev["held"]')" 1 "status counts it"
policy fence=answer
ends 20 "$writer"
is $? 0 "fenced, it completes"
is "$(grep -E '^(fenced|write)' "$T/server" | head -n 2 | cut -d ' ' -f 1 | xargs)" \
	"fenced write" "first the fence, then the write"
ok "a new channel" enbdctl channel add "$DEV"
ok "has the next incarnation" wait_for 10 server_says "^bind $LOST 2"
ok "disconnect" disconnect

# 2. the fence is never right: each costs a channel, until none is left
for answer in error:1 error:22 garbage status; do
	policy write=lose fence=wait
	need_connect "$URI" -n 2 --dead-timeout 2
	lose_a_write "fence=$answer"
	ok "fence answered with $answer: no channel is left" \
		wait_for 10 dev_is "$NAME" parked
	ends 20 "$writer"
	is $? 1 "the write fails after the dead timeout"
	: >"$T/server"
	policy fence=wait
	ok "a new channel" enbdctl channel add "$DEV"
	is "$(chan_state "$NAME" 0)" fencing "it carries nothing"
	is "$(dev_state)" failed "the device is not up"
	policy fence=answer
	ok "until the lost one is fenced" wait_for 10 dev_is "$NAME" up
	ok "then it works" dd if=/dev/zero of="$DEV" bs=4k count=1 oflag=direct
	is "$(grep -E '^(fenced|write)' "$T/server" | head -n 1)" fenced \
		"after the fence"
	ok "disconnect" disconnect
done

# 3. the fence is never answered: nobody waits for it but the writer, of whom
# force makes an end
policy write=lose fence=wait
need_connect "$URI" -n 2
lose_a_write fence=wait
ok "the write waits" wait_for 5 held 1
status 6 "disconnect is refused" within 10 enbdctl disconnect "$DEV"
status 1 "so is rmmod" within 10 rmmod enbd
ok "the write waits" wait_for 5 held 1
spawn disconnect enbdctl disconnect --force "$DEV"
ends 20 "$PID"
is $? 0 "disconnect --force"
ends 20 "$writer"
is $? 1 "the write fails"
ok "nothing is left" wait_for 10 no_devices

# Nor does anybody wait for the fence of a write that was given up.
for how in "enbdctl disconnect nda" "enbdctl disconnect --force nda" "rmmod enbd"; do
	policy write=lose fence=wait
	need_connect "$URI" -n 1 --dead-timeout 0.5 /dev/nda
	lose_a_write fence=wait
	ends 20 "$writer"
	is $? 1 "the write fails"
	ok "a new channel" enbdctl channel add "$DEV"
	is "$(chan_state "$NAME" 0)" fencing "waits for the fence"
	if [ "$how" = "rmmod enbd" ] && ! rmmod_may; then
		skip "$how" "with lockdep, sockets keep the module"
		how="enbdctl disconnect --force nda"
	fi
	ok "$how" within 5 $how
	ok "nothing is left" wait_for 5 no_devices
	modprobe enbd
done

# 4. nothing waits for a command of ours longer than the I/O timeout
: >"$T/server"
policy keepalive=never
need_connect "$URI" -n 2 --io-timeout 1 --keepalive 0.2
ok "the idle channels are asked" wait_for 10 server_says '^keepalive'
ok "and lost" wait_for 20 dev_is "$NAME" parked
like "$(cat "/sys/block/$NAME/channel0/reason")" 'no answer to a keepalive' "which says why"
ok "disconnect" disconnect
for answer in none short error:5 early; do
	policy "keepalive=$answer"
	need_connect "$URI" -n 2 --keepalive 0.2
	ok "keepalive answered with $answer: lost" wait_for 20 dev_is "$NAME" parked
	ok "disconnect" disconnect
done

# 5. the export grows by itself, and does not shrink
policy
need_connect "$URI" -n 2 --keepalive 0.2
is "$(dev_bytes)" $((2 << 20)) "its size"
policy size=$((4 << 20))
grown()
{
	[ "$(dev_bytes)" = $((4 << 20)) ]
}
ok "it grows" wait_for 10 grown
policy size=$((1 << 20))
ok "a smaller size is told to the administrator" wait_for 10 \
	log_has "$NAME: the export has shrunk"
ok "and the device stays as it is" grown
ok "disconnect" disconnect

# 6. what it says of its size keeps nobody out for ever
policy
need_connect "$URI" -n 2 --keepalive 0.2
absurd=9223372036854775808
policy size=$absurd
ok "a size that no disk can have is told to the administrator" wait_for 10 \
	log_has "$NAME: the server says that the export has $absurd bytes"
policy keepalive=error:5
ok "its channels are lost" wait_for 20 dev_is "$NAME" parked
policy
ok "and a new one is taken" enbdctl channel add "$DEV"
policy size=$((1 << 62))
huge()
{
	[ "$(dev_bytes)" = $((1 << 62)) ]
}
ok "one that a disk can have is believed" wait_for 10 huge
policy keepalive=error:5
ok "its channels are lost" wait_for 20 dev_is "$NAME" parked
policy
nok "and a smaller one is not, by itself" enbdctl channel add "$DEV"
is "$(enbdctl resize "$DEV")" $((2 << 20)) "but when the administrator says so"
ok "a new channel" enbdctl channel add "$DEV"
ok "works" within 10 dd if="$DEV" of=/dev/null bs=4k count=4 iflag=direct
ok "disconnect" disconnect

done_testing
