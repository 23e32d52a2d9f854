#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Find out what this kernel's headers offer, by compiling: stable and vendor
# kernels backport interfaces, so a version number says little.
#
# probe.sh OUT KEY COMPILER FLAG...
#
# Every have_NAME.c that compiles becomes "#define HAVE_NAME 1" in OUT. KEY is
# not used here: it makes kbuild run this again for another kernel. control.c
# must compile; when it does not, the toolchain is broken and a wrong answer
# would be worse than none.

out=$1
shift 2
dir=$(dirname "$0")
tmp=$(mktemp -d "${TMPDIR:-/tmp}/enbd-probe.XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# A warning says nothing about a feature, except those that C makes of a
# function or a signature it does not know. CONFIG_WERROR must not decide.
compile() {
	"$@" -DMODULE -DKBUILD_MODNAME='"enbd"' -DKBUILD_BASENAME='"probe"' \
		-D__KBUILD_MODNAME=kmod_enbd -Wno-error \
		-Werror=implicit-function-declaration \
		-Werror=incompatible-pointer-types -Werror=int-conversion \
		-fsyntax-only
}

if ! compile "$@" "$dir/control.c" 2>"$tmp/control"; then
	grep -E 'error' "$tmp/control" | head -n 5 >&2
	echo "enbd: the kernel's headers do not compile with $1; is it the kernel's compiler?" >&2
	exit 1
fi

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
n=0
for probe in "$dir"/have_*.c; do
	name=$(basename "$probe" .c)
	{ compile "$@" "$probe" 2>/dev/null && : >"$tmp/$name"; } &
	n=$((n + 1))
	[ $((n % jobs)) -eq 0 ] && wait
done
wait

{
	echo "/* SPDX-License-Identifier: GPL-2.0 */"
	echo "/* written by compat/probe.sh for one kernel, do not edit */"
	for probe in "$dir"/have_*.c; do
		name=$(basename "$probe" .c)
		macro=$(echo "$name" | tr '[:lower:]' '[:upper:]')
		if [ -e "$tmp/$name" ]; then
			echo "#define $macro 1"
		else
			echo "/* no $macro */"
		fi
	done
} >"$tmp/header"
cp "$tmp/header" "$out"
