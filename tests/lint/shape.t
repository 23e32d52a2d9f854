#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Rules of this tree about size and place.
. "$(dirname "$0")/lint.sh"

tracked '*.[ch]' '*.py' '*.sh' | while read -r f; do
	n=$(wc -l <"$f")
	[ "$n" -le 800 ] || echo "$f: $n lines"
done | ok "no file over 800 lines"

tracked 'drivers/*.[ch]' | grep -v '/compat' |
	xargs -r grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(|HAVE_[A-Z]' |
	grep -v '#include' | ok "only compat.h knows kernels apart"

tracked '*.[ch]' '*.py' '*.sh' Makefile 'tests/*' | grep -v 'lint/shape.t\|/tap\.' |
	xargs -r grep -nE '\b(TODO|FIXME|XXX+|HACK)\b' | grep -v 'mktemp\|\.XXX' | ok "nothing left for later"

for h in drivers/enbd/compat/have_*.c; do
	name=$(basename "$h" .c | tr '[:lower:]' '[:upper:]')
	grep -qw "$name" drivers/enbd/compat.h drivers/enbd/compat/*.h || echo "$name"
done | ok "every probe is used"
finish
