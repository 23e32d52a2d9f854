#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 300
#
# What the mirror agent does when the other leg, or its own, is lost and comes back,
# in the order that is the least convenient.

. "$(dirname "$0")/../lib/enbd.sh"

[ "$ENBD_GUEST" = uml ] || skip_all "needs the fast kernel: --kernel uml"
. "$ENBD_LIB/mirror.sh"

mirror_setup

# ------------------------------------------------------------ promotion
make_cib alpha beta unclean
marked alpha 1
status 0 "the mirror starts" agent start
status 1 "it is not promoted while the other node may be alive" agent promote
status 0 "and exports its leg as before" agent monitor OCF_CHECK_LEVEL=10
ok "nobody is outdated" equal

make_cib alpha beta online
marked alpha 1
mkdir "$T/bin"
cat >"$T/bin/mdadm" <<-SH
	#!/bin/sh
	case \$1 in
	--assemble) echo refused; exit 1 ;;
	*) exec $(command -v mdadm) "\$@" ;;
	esac
SH
chmod +x "$T/bin/mdadm"
status 1 "not promoted when its array cannot be assembled" agent promote PATH="$T/bin:$PATH"
like "$(cat "$TAP_OUT")" refused "for that reason"
ok "nobody is outdated by that" equal

beta_on
dd if="$a" of="$T/super" bs=4096 skip=1 count=1 status=none
dd if=/dev/zero of="$a" bs=4096 seek=1 count=1 conv=fsync status=none
status 1 "without a superblock it is not promoted" agent promote
ok "which outdates nobody" equal
status 0 "and the export is back" agent monitor
is "$(crm_attribute -N alpha --promotion=data -G -q -d none 2>/dev/null)" none "it does not want to be promoted"
dd if="$T/super" of="$a" bs=4096 seek=1 count=1 conv=fsync status=none

status 0 "it is promoted" agent promote
ok "with both legs" legs UU
ok "which are equal to the cluster" equal

# ------------------------------------------------------------ the other leg is lost
write_some
beta_off
echo 0.1 >"/sys/block/$(md)/md/bitmap/time_base"
ok "md waits for it with its bitmap" wait_for 20 md_waits "$(md)"
writing
status 8 "a lost leg is waited for" agent monitor OCF_RESKEY_grace=600
ok "by a write, too" test -e "/proc/$WRITE"
stopped=(OCF_RESKEY_CRM_meta_notify_type=post OCF_RESKEY_CRM_meta_notify_operation=stop
	OCF_RESKEY_CRM_meta_notify_stop_uname=beta OCF_RESKEY_grace=600)
status 0 "its node restarts the server" agent notify "${stopped[@]}" \
	OCF_RESKEY_CRM_meta_notify_start_uname=beta
ok "that is waited for" dev_is nda parked
status 0 "its node stops the server" agent notify "${stopped[@]}"
ok "the write ends" wait_for 10 gone "$WRITE"
echo 5 >"/sys/block/$(md)/md/bitmap/time_base"
ok "the array is without that leg" wait_for 10 legs U_
ok "and the cluster knows" beta_outdated
is "$(dead_timeout)" 0 "the device would wait for ever again"

# udev and the monitor may be faster than the agent; whoever set a time limit.
enbdctl set --dead-timeout 10 nda
beta_on
ok "the server is back" enbdctl channel add nda
ok "and so is the leg, before the agent looks" enbdctl readd nda
ok "in sync" wait_for 20 legs UU
ok "not yet to the cluster" beta_outdated
status 8 "the agent looks" agent monitor
is "$(dead_timeout)" 0 "the device waits for ever"
ok "the leg is current" equal
is "$(marked beta)" 1 "and marked so"

# md drops a leg by itself when its disk has an error.
mdadm -q "/dev/$(md)" --fail /dev/nda
status 0 "demoted before the agent looked" agent demote
ok "the leg that md had dropped is outdated" beta_outdated
status 0 "promoted again" agent promote
ok "that leg is taken back" wait_for 20 legs UU
status 8 "and looked at" agent monitor
ok "it is current" equal
is "$(mismatches)" 0 "and equal"

# ------------------------------------------------------------ the end
# The device is up when mdadm begins to stop the array, and is lost then.
kill_in_stop()
{
	wait_for 20 pgrep -f 'mdadm --stop' && kill -KILL "$BETA"
}
write_some
freeze "$BETA"
spawn killer kill_in_stop
status 0 "demoted while the other leg is lost" agent demote
ok "the other leg is outdated" beta_outdated
wait "$BETA" 2>/dev/null
beta_on
status 0 "promoted" agent promote
ok "with both legs" wait_for 20 legs UU
status 8 "and looked at" agent monitor

exec 7<"/dev/$(md)"
start=$(now_ms)
status 1 "what is in use is not stopped" agent stop OCF_RESKEY_CRM_meta_timeout=26000
ok "which is known in time" test $(($(now_ms) - start)) -lt 26000
exec 7<&-
status 8 "it runs" agent monitor

# ------------------------------------------------------------ our own disk
status 8 "also when the name of our disk is gone" agent monitor OCF_RESKEY_leg=/dev/none
ok "which does not make it the worse one" equal
ok "our disk fails" mdadm -q "/dev/$(md)" --fail "$a"
status 8 "the other leg goes on" agent monitor
ok "it is the better one" alpha_outdated
beta_off
status 8 "when that is lost, too, it is waited for" agent monitor
status 9 "not for ever" agent monitor OCF_RESKEY_grace=0
status 0 "demoted" agent demote
ok "the other leg is still the better one" alpha_outdated
status 1 "ours is not promoted" agent promote

status 0 "stopped" agent stop
losetup -d "$a"
done_testing
