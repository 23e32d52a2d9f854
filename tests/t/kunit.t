#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver's KUnit tests (drivers/enbd/*_kunit.c), run by loading their
# module. A kernel that is built for tests must have them. Every suite that the
# module brings is judged, and each that the sources have must be among them.
#
# timeout: 120

. "$(dirname "$0")/../lib/tap.sh"

if ! modinfo enbd_test >/dev/null 2>&1; then
	[ "${ENBD_GUEST:-}" != uml-debug ] || die "the module enbd_test is there"
	skip_all "this kernel has no KUnit"
fi

driver=$(dirname "$0")/../../drivers/enbd
results=/sys/kernel/debug/kunit
mountpoint -q /sys/kernel/debug || mount -t debugfs none /sys/kernel/debug

# flat FILE: the leaves of a KTAP tree as "ok - case" or "ok - case: parameter",
# and what failed tests said
flat()
{
	awk '
	/^ *KTAP version|^1\.\./ { next }
	/^        # Subtest: / { sub(/.*: /, ""); group = $0; next }
	/^    1\.\.[0-9]+$/ { sub(/.*\./, ""); planned = $0; next }
	/^ *(not )?ok [0-9]+/ {
		match($0, /^ */)
		depth = RLENGTH
		verdict = /^ *not/ ? "not ok - " : "ok - "
		sub(/^ *(not )?ok [0-9]+ (- )?/, "")
		if (depth == 8) {
			inner = 1
			print verdict group ": " $0
		} else if (depth == 4) {
			seen++
			if (!inner)
				print verdict $0
			inner = 0
		}
		next
	}
	/^ *# .*: pass:|^# Totals|^ *# (Subtest|module):/ { next }
	{ print }
	END { exit !(planned && seen == planned) }
	' "$1"
}

# known: the suites that the sources have, one a line; a source in which none is
# found stands for itself
known()
{
	local file names

	for file in "$driver"/*_kunit.c; do
		names=$(sed -n '/^static struct kunit_suite /,/^};/s/.*\.name = "\(.*\)",$/\1/p' "$file")
		printf '%s\n' "${names:-${file##*/}}"
	done
}

brought()
{
	(cd "$results" && ls -d enbd_*)
}

ok "the tests load" modprobe enbd_test
for suite in $({ known; brought; } | sort -u); do
	ok "$suite ran" test -r "$results/$suite/results"
	subtests flat "$results/$suite/results"
done
ok "the tests unload" rmmod enbd_test

rm -f "$TAP_OUT"
echo "1..$TAP_N"
exit $((TAP_FAILED > 0))
