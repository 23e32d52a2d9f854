#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The control of the torture: the same faults, but writes are sent again without
# a fence (the policy compat). The checker must find the old data that come back.
# timeout: 300

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/net.sh"

found=1
for seed in 1 2 3; do
	"$ENBD_TREE/tests/torture/guest" --faults 40 --seed $seed --ghosts-only \
		--replay compat >"$T/out" 2>&1
	found=$?
	[ $found = 0 ] || break
done
is $found 1 "without the fence the torture ends with a violation"
like "$(grep violation: "$T/out")" 'old data came back' "old data came back"
diag "$(grep '^torture' "$T/out")"
ok "nothing of it is left" no_devices

done_testing
