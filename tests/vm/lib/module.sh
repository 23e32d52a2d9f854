# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # variables of common.sh and run
# Builds the module and the tools for a guest, and lays out its /lib/modules.

# Fewer stagings than this are kept; those in use are never deleted.
stagings_kept=6

# module_copy DIR: where the module is built for a kernel.
module_copy()
{
	printf '%s/build/%s-%s\n' "$cache" "$(basename "$1")" "$tree_key"
}

# module_build KERNEL DIR: build the module in a copy of its sources, which is
# kept so that the next build compiles only what changed, or nothing.
module_build()
{
	local kernel=$1 dir=$2 copy log changed how was=
	copy=$(module_copy "$dir")
	log="$copy.log"
	how=$(cat "$vm_dir/lib/module.sh" "$vm_dir/lib/chroot.sh" | sha256sum)
	if [ -e "$copy/.built" ]; then
		was=$(cat "$copy/.built")
		rm "$copy/.built"
	fi
	changed=$(/usr/bin/python3 "$vm_dir/lib/mirror.py" "$tree" "$copy" \
		Kbuild dkms.conf VERSION drivers include) || return 1
	if [ "$changed" -ne 0 ] || [ "$was" != "$how" ]; then
		if ! module_make "$kernel" "$dir" "$copy" >"$log" 2>&1 </dev/null; then
			cat "$log" >&2
			say "$kernel: the module does not build"
			return 1
		fi
		grep -E 'warning:|WARNING:' "$log" >&2 || :
	fi
	printf '%s\n' "$how" >"$copy/.built"
}

module_make()
{
	local kernel=$1 dir=$2 copy=$3
	if [ -d "$dir/chroot" ]; then
		chroot_make "$dir" "$copy"
	else
		# KASAN on UML forgets to clear the red zones of a module's
		# globals when it is unloaded, and takes offence when the next
		# one is loaded there: have none in modules.
		make -C "$dir/kdir" M="$copy" "-j$(nproc)" \
			CFLAGS_MODULE="$([ "$kernel" != uml-debug ] || echo --param asan-globals=0)" modules
	fi
}

# module_stage DIR: set stage_dir to the guest's /lib/modules/RELEASE: the
# kernel's own modules, hard-linked, and what was built. Never changed once made:
# a guest may be using it. Its lock is left open in this shell as stage_lock.
module_stage()
{
	local dir=$1 copy kos key stage release temp to
	copy=$(module_copy "$dir")
	mapfile -t kos < <(find "$copy" -name '*.ko' 2>/dev/null | sort)
	key=$( (printf '%s\n' "$dir"; [ "${#kos[@]}" -eq 0 ] || cat "${kos[@]}") | sha256sum | cut -c1-16)
	stage="$cache/stage/$(basename "$dir")-$key"
	release=$(basename "$dir"/root/lib/modules/*)
	mkdir -p "$cache/stage"
	if [ ! -d "$stage" ]; then
		temp=$(mktemp -d "$cache/stage/new.XXXXXX")
		to="$temp/lib/modules/$release"
		chmod 755 "$temp" && mkdir -p "$temp/lib/modules" &&
		cp -al "$dir/root/lib/modules/$release" "$to" && mkdir -p "$to/extra" &&
		{ [ "${#kos[@]}" -eq 0 ] || cp "${kos[@]}" "$to/extra/"; } &&
		PATH=$PATH:/usr/sbin:/sbin depmod -b "$temp" "$release" || return 1
		: >"$temp/lock"
		mv -T "$temp" "$stage" 2>/dev/null || rm -rf "$temp"
	fi
	touch "$stage"
	stage_dir="$stage/lib/modules/$release"
	exec {stage_lock}<"$stage/lock"
	flock -s "$stage_lock"
	module_forget_old
}

module_forget_old()
{
	local old fd
	find "$cache/stage" -maxdepth 1 -name 'new.*' -mmin +60 -exec rm -rf {} +
	# shellcheck disable=SC2012 # the names are ours
	for old in $(ls -dt "$cache"/stage/*-* | tail -n "+$((stagings_kept + 1))"); do
		exec {fd}<"$old/lock" || continue
		if flock -n -x "$fd"; then
			rm -rf "$old"
		fi
		exec {fd}<&-
	done
}

# module_prepare KERNEL DIR: build, unless there is nothing to build, and stage
# before another run builds again.
module_prepare()
{
	if [ "$build" -eq 1 ] && [ -e "$tree/Kbuild" ]; then
		module_build "$1" "$2" || return 1
	fi
	module_stage "$2"
}

# tools_build: build/ of the tree by its own Makefile, with what only tests need.
tools_build()
{
	local log
	log="$cache/log/tools-$tree_key"
	mkdir -p "$cache/log"
	if ! make -C "$tree" --no-print-directory "-j$(nproc)" tools torture-tools >"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		say "the tools do not build"
		return 1
	fi
}
