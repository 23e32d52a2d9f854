#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The systemd units are well formed, and are installed with what they call.
. "$(dirname "$0")/lint.sh"

work=$(mktemp -d /tmp/enbd-units.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

readarray -t units < <(tracked 'systemd/*.service' 'systemd/*.target' 'systemd/*.socket')

make --no-print-directory install-tools DESTDIR="$work" >"$work/log" 2>&1 || cat "$work/log"
for f in "${units[@]}"; do
	[ -e "$work/lib/systemd/system/$(basename "$f")" ] || echo "$f is not installed"
done | ok "make install-tools installs them"

build/enbdctl check-config "$work/etc/enbd/enbd.conf" 2>&1 | ok "the example of enbd.conf is right"

# What Exec... lines name is there afterwards
for f in "${units[@]}"; do
	sed -n 's/^Exec[A-Za-z]*=[-+!@:]*\([^ ]*\).*/\1/p' "$f" | while read -r program; do
		[ -x "$work$program" ] || [ -x "$program" ] || echo "$f: $program"
	done
done | ok "the programs they start are installed"

# Every directive and every dependency is one, in every section
if command -v systemd-analyze >/dev/null; then
	# Units that only exist elsewhere, or are the host's
	mkdir -p "$work/usr/lib/systemd/system" "$work/units"
	for f in "${units[@]}"; do
		name=$(basename "$f")
		# shellcheck disable=SC2016
		sed -E "s|^(Exec[A-Za-z]*=[-+!@:]*)[^ ]*|\1/bin/true|" "$f" >"$work/units/$name"
	done
	for f in "$work"/units/*; do
		name=$(basename "$f")
		case $name in *@.*) ln -s "$name" "$work/units/${name/@./@x.}" ;; esac
	done
	for f in "$work"/units/*; do
		name=$(basename "$f")
		case $name in *@.*) continue ;; esac
		SYSTEMD_UNIT_PATH="$work/units:" timeout 60 \
			systemd-analyze verify --recursive-errors=no --man=no "$name" 2>&1 |
			grep -F "$work/units/"
	done | ok "systemd-analyze verify has no complaint"
else
	skip "systemd-analyze verify has no complaint" "systemd-analyze is missing: apt install systemd"
fi
finish
