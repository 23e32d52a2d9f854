#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# dkms adds, builds, installs and removes the module, in folders of its own.
. "$(dirname "$0")/lint.sh"
need dkms dkms

kver=$(for d in /lib/modules/*/build; do [ -e "$d/Makefile" ] && basename "$(dirname "$d")"; done | tail -n 1)
[ -n "$kver" ] || skip_all "no kernel headers: apt install linux-headers-amd64"
readarray -t sources < <(tracked Kbuild Makefile dkms.conf drivers include)
kept_results "$kver" "$(dkms --version)" "$(what_builds "/lib/modules/$kver/build" 2>&1)" "${sources[@]}"
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)

work=$(mktemp -d /tmp/enbd-dkms.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/tree" "$work/src" "$work/modules/$kver"
args=(-m enbd -v "$version" -k "$kver" --dkmstree "$work/tree" --sourcetree "$work/src"
	--installtree "$work/modules" --no-depmod --force)

quiet() {
	"$@" >"$work/log" 2>&1 && return
	echo "$*"
	tail -n 20 "$work/log"
	find "$work/tree" -name make.log -exec tail -n 20 {} +
}

quiet make --no-print-directory dkms-install DESTDIR="$work" SRCDIR=/src | ok "make dkms-install lays out the source"
quiet dkms add -m enbd -v "$version" --dkmstree "$work/tree" --sourcetree "$work/src" | ok "dkms add"
quiet dkms build "${args[@]}" | ok "dkms build for $kver"
quiet dkms install "${args[@]}" | ok "dkms install"
ko=$(find "$work/modules" -name 'enbd.ko*' | head -n 1)
{ [ -n "$ko" ] || echo "no enbd.ko below $work/modules"; } | ok "the module is in place"
{ [ "$(modinfo -F version "$ko" 2>&1)" = "$version" ] || modinfo "$ko" 2>&1; } |
	ok "its version is that of the package, $version"
quiet dkms remove -m enbd -v "$version" --all --dkmstree "$work/tree" --sourcetree "$work/src" \
	--installtree "$work/modules" --no-depmod | ok "dkms remove"
finish
