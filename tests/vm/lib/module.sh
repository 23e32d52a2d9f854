# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154,SC2034 # variables of common.sh and run
# Builds the module and the tools for a guest, and lays out its /lib/modules.

# Fewer stagings than this are kept; those in use are never deleted.
stagings_kept=6

# module_copy DIR: where the module is built for a kernel.
module_copy()
{
	printf '%s/build/%s-%s\n' "$cache" "$(basename "$1")" \
		"$(printf '%s' "$tree" | sha256sum | cut -c1-8)"
}

# module_build KERNEL DIR: build the module in a copy of its sources, which is
# kept so that the next build compiles only what changed. Prints the copy's path.
module_build()
{
	local kernel=$1 dir=$2 copy log
	copy=$(module_copy "$dir")
	log="$copy.log"
	mkdir -p "$copy"
	python3 "$vm_dir/lib/mirror.py" "$tree" "$copy" \
		Kbuild dkms.conf VERSION drivers include >&2 || return 1
	if ! module_make "$kernel" "$dir" "$copy" >"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		say "$kernel: the module does not build"
		return 1
	fi
	grep -E 'warning:|WARNING:' "$log" >&2 || :
	printf '%s\n' "$copy"
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

# module_stage DIR [COPY]: print the guest's /lib/modules/RELEASE: the kernel's
# own modules, hard-linked, and the .ko files of COPY. Never changed once made:
# a guest may be using it. Its lock is left open in this shell as stage_lock.
module_stage()
{
	local dir=$1 copy=${2:-} kos=() key stage release temp to
	if [ -n "$copy" ]; then
		mapfile -t kos < <(find "$copy" -name '*.ko' 2>/dev/null | sort)
	fi
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

# tools_build: build/ of the tree by its own Makefile.
tools_build()
{
	local log
	log="$cache/log/tools-$(printf '%s' "$tree" | sha256sum | cut -c1-8)"
	mkdir -p "$cache/log"
	if ! make -C "$tree" --no-print-directory "-j$(nproc)" tools >"$log" 2>&1 </dev/null; then
		cat "$log" >&2
		say "the tools do not build"
		return 1
	fi
}
