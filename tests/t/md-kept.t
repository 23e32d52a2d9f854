#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 400
#
# A leg loses writes while no array holds it, so that no bitmap can be told. Somebody
# takes responsibility, and the array takes the leg back: what it lost is copied all
# the same, also when the disk has another name by then. A leg that an array holds
# cannot be accepted past it.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote

kept()
{
	compgen -G '/run/enbd/*.lost'
}

# alone: an array whose leg has acknowledged 64 writes that it then loses, and is in
# no array when it comes back. The bitmap has forgotten these writes.
alone()
{
	truncate -s "${LEG_MB}M" "$image"
	serve "$image"
	need_connect "$URI" --dead-timeout 60
	md_create 1
	wait_for 60 md_settled || die "the bitmap becomes clean" "$(cat /proc/mdstat)"
	quiet_md
	ok "$1: 64 writes, flushed" scatter 64 7 sync
	cp --sparse=always "$image" "$image.flushed"
	ok "$1: and written again, acknowledged" scatter 64 7
	power_cut "$image" "$image.flushed"
	busy_md
	ok "$1: the bitmap forgets them" wait_for 20 md_waits "${MD##*/}"
	enbdctl set "$DEV" --dead-timeout 0.2
	wait_for 20 dev_is "$NAME" failed
	scatter 4 9
	ok "$1: the leg is out" wait_for 10 member_is faulty
	ok "$1: and removed" wait_for 10 mdadm -q "$MD" --remove "$DEV"
	note
	serve "$image"
	ok "$1: it comes back stale, and is refused" \
		wait_for 20 log_has "$NAME: may have lost writes and is in no running array"
	is "$(dev_state)" stale "$1: it stays stale"
}

taken_back()
{
	ok "$1: it is in the array again" wait_for 20 member_back
	ok "$1: in sync" wait_for 60 md_whole
	is "$(mismatches)" 0 "$1: no difference"
	ok "$1: nothing is kept any more" wait_for 10 not kept
}
not()
{
	! "$@"
}
end()
{
	md_stop
	ok "disconnected" wait_for 10 disconnect
	serve_end
	rm -f "$image"
}

# quiet_udev: nobody takes the leg back meanwhile
nobody_readds()
{
	! pgrep -f 'enbdctl readd' >/dev/null
}
quiet_udev()
{
	udevadm settle --timeout=10
	udevadm control --stop-exec-queue
	wait_for 10 nobody_readds
}

alone "readd --force"
ok "readd --force: a person takes it on" within 20 enbdctl readd --force --wait 0 "$DEV"
taken_back "readd --force"

prepared()
{
	wait_for 60 md_settled
	quiet_md
	scatter 16 7 sync
	cp --sparse=always "$image" "$image.flushed"
	scatter 16 7
	quiet_udev
	power_cut "$image" "$image.flushed"
	serve "$image"
	wait_for 20 dev_is "$NAME" stale
}
ok "in the array" prepared
status 6 "accept past the array is refused" enbdctl accept "$DEV"
like "$(enbdctl accept "$DEV" 2>&1)" "$NAME: is in /dev/md0.*enbdctl readd $NAME" "it says what to do"
is "$(dev_state)" stale "the device stays stale"
nok "nothing was kept" kept
udevadm control --start-exec-queue
ok "readd does it" within 20 enbdctl readd --wait 0 "$DEV"
ok "in sync" wait_for 60 md_whole
is "$(mismatches)" 0 "no difference"
end

alone "accept"
nok "accept: nothing is kept yet" kept
ok "accept: a person takes it on" enbdctl accept "$DEV"
taken_back "accept"
end

# Nobody but us re-adds it meanwhile, whatever its name is.
alone "another name"
quiet_udev
ok "another name: a person takes it on" enbdctl accept "$DEV"
ok "another name: what is lost is kept" kept
ok "another name: disconnected" wait_for 10 disconnect
need_connect "$URI" ndc
udevadm control --start-exec-queue
taken_back "another name"
end

alone "without a bitmap"
mdadm --grow -q --bitmap=none "$MD"
note
ok "without a bitmap: a person takes it on" enbdctl accept "$DEV"
ok "without a bitmap: refused" wait_for 20 log_has "not taken back into /dev/md0: .*no bitmap.*add it anew"
is "$(member_state)" "" "without a bitmap: it stays out"
md_done
