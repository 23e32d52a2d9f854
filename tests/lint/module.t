#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The module builds without a warning with W=1 and with sparse.
. "$(dirname "$0")/lint.sh"
need sparse sparse

kdir=$(for d in /lib/modules/*/build; do [ -e "$d/Makefile" ] && echo "$d"; done | tail -n 1)
[ -n "$kdir" ] || skip_all "no kernel headers: apt install linux-headers-amd64"
readarray -t sources < <(tracked Kbuild Makefile dkms.conf drivers include)
kept_results "$(sparse --version)" "$(what_builds "$kdir" 2>&1)" "${sources[@]}"

# A copy, so that nobody's objects are replaced
copy=$top/build/lint/module
rm -rf "$copy"
mkdir -p "$copy"
tracked Kbuild dkms.conf drivers include | cpio -pdm --quiet "$copy" 2>/dev/null ||
	tracked Kbuild dkms.conf drivers include | tar -cT - | tar -xC "$copy"

log=$copy/build.log
make -C "$kdir" M="$copy" -j2 W=1 C=2 CF=-Wsparse-error modules >"$log" 2>&1
status=$?
{ [ $status -eq 0 ] && [ -e "$copy/drivers/enbd/enbd.ko" ] || tail -n 30 "$log"; } |
	ok "it builds for $(basename "$(dirname "$kdir")") with sparse"
grep -E 'warning:|WARNING:|error:' "$log" | ok "no warning with W=1 C=2"
grep -E '^[^ ].*(modpost|undefined!)' "$log" | grep -v MODPOST | ok "nothing undefined"
finish
