#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Every file says its licence; the driver and the tools are GPL-2.0.
. "$(dirname "$0")/lint.sh"

# What cannot carry a comment, or is the licence itself
exempt='^(COPYING|.*\.(json|png|svg|md))$|^(tests/fuzz/.*\.corpus/|tests/.*\.list$)'

tracked | grep -vE "$exempt" | while read -r f; do
	head -n 5 "$f" | grep -q 'SPDX-License-Identifier:' || echo "$f"
done | ok "every file has an SPDX line"

tracked 'drivers/*.[ch]' 'tools/*.[ch]' | while read -r f; do
	head -n 1 "$f" | grep -qE 'SPDX-License-Identifier: GPL-2.0( \*/)?$' || echo "$f"
done | ok "sources are GPL-2.0, on their first line"

tracked 'include/uapi/*.h' | while read -r f; do
	head -n 1 "$f" | grep -q 'GPL-2.0 WITH Linux-syscall-note' || echo "$f"
done | ok "uapi headers carry the syscall note"
finish
