#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 300
#
# Which legs the mirror agent promotes and takes back: one that is too old for the
# bitmap, one that forgot writes, one that was used without the agent, or alone.

. "$(dirname "$0")/../lib/enbd.sh"

[ "$ENBD_GUEST" = uml ] || skip_all "needs the fast kernel: --kernel uml"
. "$ENBD_LIB/mirror.sh"

mirror_setup
cp "$T/a" "$T/a.old"
cp "$T/b" "$T/b.old"

# lose SEEK: beta's machine loses a chunk that was written and not flushed.
lose()
{
	dd if=/dev/urandom of=/dev/md/data bs=64k count=1 seek="$1" oflag=direct status=none
	beta_off
	dd if=/dev/zero of="$T/b" bs=64k count=1 seek=$(($1 + 16)) conv=notrunc status=none
	echo "boot $1" >"$T/boot"
	status 8 "without that leg" agent monitor OCF_RESKEY_grace=0
	ok "it is out" wait_for 10 dropped
}

dropped()
{
	write_some && legs U_
}

# alone LEG: it is used by hand
alone()
{
	local leg=$1

	[ -b "$leg" ] || leg=$(losetup -f --show "$leg")
	mdadm --assemble --run /dev/md/hand "$leg"
	dd if=/dev/urandom of=/dev/md/hand bs=64k count=1 oflag=direct
	mdadm --stop /dev/md/hand
	[ "$leg" = "$a" ] || losetup -d "$leg"
}

make_cib alpha beta online
marked alpha 1
status 0 "the mirror starts" agent start
beta_on
status 0 "and is promoted" agent promote
ok "with both legs" legs UU
sys=/sys/block/$(md)/md
echo 1 >"$sys/bitmap/time_base"
write_some
cleared()
{
	grep -A 3 "^$(md) " /proc/mdstat | grep -q 'bitmap: 0/'
}
ok "bits are cleared" wait_for 30 cleared
status 0 "demoted" agent demote

# ------------------------------------------------------------ from before
beta_end
cp "$T/b.old" "$T/b"
beta_on
status 0 "promoted with an old copy of the other leg" agent promote
status 8 "and looked at" agent monitor
ok "it is in the array" wait_for 30 legs UU
status 8 "and looked at again" agent monitor
ok "it is current" equal
is "$(mismatches)" 0 "and equal"

# ------------------------------------------------------------ forgotten
sys=/sys/block/$(md)/md
echo 0 >"$sys/safe_mode_delay"
echo 60 >"$sys/bitmap/time_base"
lose 100
beta_on
ok "the server is back" enbdctl channel add nda
is "$(dev_state nda)" stale "but has forgotten writes"
status 8 "the agent sees to that" agent monitor
ok "the leg is in the array" wait_for 30 legs UU
is "$(mismatches)" 0 "and equal"

lose 200
ok "the leg is taken out" mdadm -q "/dev/$(md)" --remove /dev/nda
beta_on
ok "the server is back" enbdctl channel add nda
is "$(dev_state nda)" stale "and has forgotten writes again"
status 8 "the agent sees to that" agent monitor
ok "the leg is in the array" wait_for 30 legs UU
status 8 "it is looked at" agent monitor
ok "it is current" equal
is "$(mismatches)" 0 "and equal"
status 0 "demoted" agent demote
status 0 "stopped" agent stop

# ------------------------------------------------------------ by hand
mdadm -q --assemble --run /dev/md/hand "$a"
status 1 "an array of somebody else is not ours" agent monitor OCF_RESKEY_CRM_meta_interval=0
status 1 "nor is the mirror started" agent start
status 0 "it is stopped" agent stop
nok "and gone" compgen -G "/sys/block/${a#/dev/}/holders/*"
ok "nobody is outdated by that" equal

# The mark says that ours is current, but beta went on without telling.
beta_end
dd if="$T/a.old" of="$a" bs=1M conv=fsync status=none
cp "$T/b.old" "$T/b"
ok "beta's leg is used by hand" alone "$T/b"
beta_on
marked alpha 1
status 0 "started" agent start
status 1 "not promoted when the other leg is newer" agent promote
ok "which is not tried again" alpha_outdated
status 0 "stopped" agent stop

# Both did
crm_attribute -N beta -l forever -n enbd-data-generation -v "$(generation alpha)"
marked alpha 1
marked beta 1
ok "our leg is used by hand, too" alone "$a"
status 0 "started" agent start
status 1 "not promoted when both went on alone" agent promote
is "$(marked alpha) $(marked beta)" "0 0" "and nobody else is"
status 1 "nor later" agent promote
crm_attribute -N alpha -l forever -n enbd-data-generation -v $(($(generation beta) + 1))
status 0 "but when somebody has decided" agent promote
ok "alone" legs U_
status 8 "the agent" agent monitor
ok "does not take the other leg" legs U_
status 0 "stopped" agent stop
losetup -d "$a"
done_testing
