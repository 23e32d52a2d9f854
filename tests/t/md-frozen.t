#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
#
# mdadm has md begin nothing ("frozen") while it adds a member, and is killed there,
# with the program that called it: the next run has md go on. A run that is told to
# end lets mdadm do so first.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

# outage: the leg is out of the array, the device will be up again, and is ours to
# return.
outage()
{
	wait_for 20 no_readd
	serve_end -KILL
	wait_for 20 dev_is "$NAME" failed
	scatter 8
	wait_for 10 member_is faulty
	serve "$T/remote"
}

# frozen: false if it has gone by, for it is a matter of milliseconds.
frozen()
{
	until member_back; do
		# Not by an mdadm that udev has started
		[ -e "/run/enbd/$NAME.frozen" ] && md_is sync_action frozen && return 0
		read -rt 0.001 -u "$NAP"
	done
	return 1
}

# caught HOW: in so many outages one is met where mdadm has frozen the array, and
# mdadm does not run before that is done.
caught()
{
	local i met

	for ((i = 0; i < 10; i++)); do
		outage
		chrt -f -p 1 $BASHPID
		frozen && "$1"
		met=$?
		chrt -o -p 0 $BASHPID
		[ $met -ne 0 ] || return 0
		wait_for 60 md_whole
	done
	return 1
}

kill_all()
{
	pkill -KILL -f "enbdctl readd"
	pkill -KILL -x mdadm
}

# As systemd does with KillMode=mixed
tell_to_end()
{
	pkill -TERM -f "enbdctl readd"
	wait_for 5 no_readd
	pkill -KILL -x mdadm
	:
}

no_readd()
{
	! pgrep -f "enbdctl readd"
}

no_mdadm()
{
	! pgrep -x mdadm
}

md_start
truncate -s "${LEG_MB}M" "$T/remote"
serve "$T/remote"
need_connect "$URI" --dead-timeout 0.25
md_create 1

ok "killed in a re-add" caught kill_all
wait_for 5 no_readd
ok "the array stays frozen" md_is sync_action frozen
ok "the next run" within 20 enbdctl readd "$DEV"
ok "has it go on" wait_for 20 md_whole
nok "and nothing to remember" test -e "/run/enbd/$NAME.frozen"

echo frozen >"$MDSYS/sync_action"
outage
ok "somebody else has frozen it: the leg is taken back" wait_for 20 member_back
wait_for 5 no_mdadm
ok "it stays frozen" md_is sync_action frozen
echo idle >"$MDSYS/sync_action"
ok "until they thaw it" wait_for 20 md_whole

ok "told to end in a re-add" caught tell_to_end
ok "that was done first" wait_for 20 md_whole
is "$(mismatches)" 0 "no difference"
md_done
