#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A short torture, see tests/torture/run: faults of every kind under load, and
# no read that is not right. "make torture" does it for longer.
# timeout: 300

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/net.sh"

case $ENBD_GUEST in
uml)	faults=200 ;;
*)	faults=60 ;;
esac

if "$ENBD_TREE/tests/torture/guest" --faults $faults >"$T/out" 2>&1; then
	pass "$faults faults, no violation"
else
	fail "$faults faults, no violation"
fi
diag "$(cat "$T/out")"
ok "nothing of it is left" no_devices

done_testing
