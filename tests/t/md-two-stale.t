#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
#
# The servers of two legs of an array forget writes in the same power cut. Where the
# rest has everything both legs are repaired, one after the other. Where it has not,
# neither is taken out, which would break the array.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start

# serve_one X: image $T/X, always at the same port
serve_one()
{
	rm -f "$T/port.$1"
	spawn "server-$1" enbd-server "${PORTS[$1]}" "$T/$1" -f --bind 127.0.0.1 \
		--port-file "$T/port.$1" --state-dir "$T/state.$1" --boot-id-file "$T/boot"
	await_server "server-$1" "$T/port.$1"
	SERVERS[$1]=$PID
}

both_gone()
{
	gone "${SERVERS[a]}" && gone "${SERVERS[b]}"
}

# power_cut_both: both machines have booted again, with what was flushed
power_cut_both()
{
	local x

	kill -KILL "${SERVERS[@]}"
	wait_for 10 both_gone
	for x in a b; do
		cp --sparse=always "$T/$x.flushed" "$T/$x"
	done
	echo "boot $RANDOM $(now_ms)" >"$T/boot"
	for x in a b; do
		serve_one $x
	done
}

# forget LEVEL: an array of a local leg and both devices, whose servers forget 64
# writes that were acknowledged
forget()
{
	local x options=()

	[ "$1" = 1 ] || options=(-c 64)
	for x in a b; do
		rm -f "$T/$x"
		truncate -s "${LEG_MB}M" "$T/$x"
		serve_one $x
		need_connect "nbd://127.0.0.1:${PORTS[$x]}" "/dev/${DISKS[$x]}"
	done
	local_legs 1
	within 60 mdadm -C "$MD" --run -q -l "$1" -n 3 -b internal --bitmap-chunk=64K --delay=1 \
		-e 1.2 "${options[@]}" "${LEGS[0]}" /dev/nda /dev/ndb >"$T/mdadm.log" 2>&1 ||
		die "mdadm -C" "$(cat "$T/mdadm.log")"
	ok "raid$1: the bitmap is clean" wait_for 120 md_settled
	quiet_md
	ok "raid$1: 64 writes, flushed" scatter 64 7 sync
	for x in a b; do
		cp --sparse=always "$T/$x" "$T/$x.flushed"
	done
	ok "raid$1: and written again, acknowledged" scatter 64 7
	note
	power_cut_both
}

declare -A PORTS=([a]=21501 [b]=21502) SERVERS=() DISKS=([a]=nda [b]=ndb)
echo first >"$T/boot"

# The same chunks are missing on both legs; one of them may find the other out of sync.
repaired()
{
	enbdctl readd --wait 0 nda
	enbdctl readd --wait 0 ndb
	[ "$(dev_state nda) $(dev_state ndb)" = "up up" ] && md_whole
}
forget 1
ok "raid1: both are repaired" wait_for 60 repaired
is "$(mismatches)" 0 "raid1: no difference"
md_stop
ok "raid1: disconnected" wait_for 10 enbdctl disconnect --all
kill -KILL "${SERVERS[@]}"
wait_for 10 both_gone

# What reads the array meanwhile makes md find out: it has failed both by then, or not.
forget 5
for x in nda ndb; do
	ok "raid5: $x is refused" wait_for 20 log_has "/dev/$x, which may have lost writes|/dev/$x may have lost"
	is "$(dev_state $x)" stale "raid5: $x stays as it is"
done
status 6 "raid5: also by hand" enbdctl readd --wait 0 nda
# Somebody takes it on, but the array does not take up what it cannot do without.
ok "raid5: accepted" enbdctl accept --force nda
ok "raid5: and the other one" enbdctl accept --force ndb
nok "raid5: read" dd if="$MD" of=/dev/null bs=64k iflag=direct
if member_is faulty nda && member_is faulty ndb; then
	status 1 "raid5: it is not put into a broken array" enbdctl readd --wait 0 nda
	like "$(enbdctl readd --wait 0 ndb 2>&1)" "assemble --force" "raid5: it says what to do"
	ok "raid5: both are out" member_is faulty nda
else
	skip "raid5: a broken array" "md has not failed both"
fi
wait_for 30 mdadm --stop "$MD"
enbdctl disconnect --all --force
md_done
