#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What is generated from the netlink specification is what lies in the tree, and
# the kernel's own generator makes the same names of it.
. "$(dirname "$0")/lint.sh"
/usr/bin/python3 -c 'import yaml' 2>/dev/null || skip_all "python3-yaml is missing: apt install python3-yaml"

Documentation/netlink/generate.py --check 2>&1 | ok "generated files follow from enbd.yaml"

# The kernel's generator is in kernel sources only; it looks for the schema
# beside the specification, and for MAINTAINERS above it.
cache=${ENBD_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/enbd-vm}
for source in "$cache"/kernels/source-* /usr/src/linux-source-*; do
	ynl=$source/tools/net/ynl/pyynl/ynl_gen_c.py
	[ -f "$ynl" ] && [ -f "$source/Documentation/netlink/genetlink.yaml" ] || continue
	work=$(mktemp -d /tmp/enbd-ynl.XXXXXX) || exit 1
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work/Documentation/netlink/specs"
	touch "$work/MAINTAINERS"
	cp "$source"/Documentation/netlink/*.yaml "$work/Documentation/netlink/"
	cp Documentation/netlink/specs/enbd.yaml "$work/Documentation/netlink/specs/"
	{
		timeout 60 /usr/bin/python3 -B "$ynl" --mode uapi --header -o "$work/enbd.h" \
			--spec "$work/Documentation/netlink/specs/enbd.yaml" </dev/null 2>&1 | tail -n 3
		names='s/^\t\(\(__\)\?ENBD_[A-Z0-9_]*\).*/\1/p'
		diff <(sed -n "$names" "$work/enbd.h") <(sed -n "$names" include/uapi/linux/enbd.h)
	} | ok "the kernel's generator makes the same enums, in the same order"
	break
done
finish
