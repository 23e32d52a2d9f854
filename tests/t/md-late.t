#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The machine has started without its server: the array runs with the local leg.
# When the device is connected at last, the leg goes into the array by itself; md's
# own rules alone would leave it out.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

trap 'rm -f /run/udev/rules.d/64-md-raid-assembly.rules; md_end; clean_up; rm -f "$TAP_OUT"' EXIT
md_start
image=$T/remote
truncate -s "${LEG_MB}M" "$image"
serve "$image"
need_connect "$URI" --dead-timeout 5
md_create 1
mask=/run/udev/rules.d/64-md-raid-assembly.rules
for rules in "mdadm's rules" "no rules of mdadm's"; do
	# Newer versions' ignore what happens to disks like ours.
	[ "$rules" = "mdadm's rules" ] || { : >"$mask"; udevadm control --reload; }
	wait_for 60 md_settled || die "clean bitmap" "$(cat /proc/mdstat)"
	steady_md
	ok "$rules: the machine goes down" wait_for 20 mdadm -q --stop "$MD"
	disconnect
	wait_for 10 no_devices
	serve_end

	ok "$rules: and up again, without the server" start_alone
	is "$(md_attr degraded)" 1 "$rules: the array is not whole"
	busy_md
	scatter 16
	bits=$(dirty "${LEGS[0]}")

	serve "$image"
	need_connect "$URI" --dead-timeout 5
	ok "$rules: connected: the leg is in the array" wait_for 20 member_back
	ok "$rules: in sync" wait_for 60 md_whole
	copied=$(leg_written)
	ok "$rules: $copied KiB copied for $bits chunks" test "$copied" -le $((bits * BITMAP_CHUNK / 1024 + 256))
	is "$(mismatches)" 0 "$rules: no difference"
done
rm -f "$mask"

nobody_readds()
{
	! pgrep -f 'enbdctl readd' >/dev/null
}
wait_for 10 nobody_readds

# A member that somebody has taken out while the device was there stays out.
mdadm -q "$MD" --fail "$DEV" --remove "$DEV"
echo change >"/sys/block/$NAME/uevent"
udevadm settle --timeout=10
is "$(member_state)" "" "a leg that was taken out by hand stays out at a mere change"
ok "until it is asked for" within 20 enbdctl readd --wait 0 "$DEV"
ok "then it is back" wait_for 20 md_whole
md_done
