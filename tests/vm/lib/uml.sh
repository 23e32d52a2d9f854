# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of common.sh and run
# The two User Mode Linux kernels, built from Debian's linux-source package.
#
# The source is unpacked once and both are built out of it, each into its own
# directory, which stays as the KDIR that the module is built with.

uml_source=linux-source-7.2
uml_patches=("$vm_dir"/uml-*.patch)

uml_config_files()
{
	printf '%s\n' "$vm_dir/uml.config"
	if [ "$1" = uml-debug ]; then
		printf '%s\n' "$vm_dir/uml-debug.config"
	fi
}

# uml_key KERNEL: a hash of what the kernel depends on but for its version.
uml_key()
{
	local files
	mapfile -t files < <(uml_config_files "$1")
	cat "${files[@]}" "${uml_patches[@]}" | sha256sum | cut -c1-10
}

uml_find() { newest_complete "$1-$(uml_key "$1")-"; }

# Drivers that no configuration here can select are not even unpacked: they
# are two thirds of the tree.
uml_unpack()
{
	local deb=$1 into=$2 d
	local skip=(Documentation sound/soc sound/pci tools/testing tools/perf samples)
	local args=()
	for d in gpu/drm media staging infiniband wireless scsi usb iio accel comedi; do
		skip+=("drivers/$d")
	done
	skip+=(drivers/net/ethernet drivers/net/wireless)
	for d in "${skip[@]}"; do
		args+=(--exclude="*/$d/*.[chS]" --exclude="*/$d/*.rst" --exclude="*/$d/*.json")
	done
	for d in alpha arc arm arm64 csky hexagon loongarch m68k microblaze mips nios2 \
			openrisc parisc powerpc riscv s390 sh sparc xtensa; do
		args+=(--exclude="*/arch/$d/*.[chS]" --exclude="*/arch/$d/*.dts*")
	done
	mkdir -p "$into"
	dpkg-deb --fsys-tarfile "$deb" |
		tar -xO "./usr/src/$uml_source.tar.xz" |
		tar -xJ -C "$into" --strip-components=1 "${args[@]}" &&
	cat "${uml_patches[@]}" | patch -d "$into" -p1 --no-backup-if-mismatch
}

# uml_get_source VERSION: print the directory of the unpacked source.
uml_get_source()
{
	local version=$1 dir deb
	dir="$cache/kernels/source-$(cat "${uml_patches[@]}" | sha256sum | cut -c1-6)-$version"
	if [ ! -e "$dir/.complete" ]; then
		rm -rf "$dir"
		deb=$(apt_fetch "$uml_source=$version") || return 1
		step "unpacking $uml_source" "$cache/log/unpack-source" \
			uml_unpack "$deb" "$dir" || return 1
		touch "$dir/.complete"
		rm -f "$deb"
	fi
	printf '%s\n' "$dir"
}

# uml_check_config CONFIG FILE...: complain of each option that kconfig dropped.
uml_check_config()
{
	local config=$1 want lost=0
	shift
	while read -r want; do
		if ! grep -qxF -- "$want" "$config"; then
			say "$(basename "$config"): asked for $want, got: $(grep -m1 -E \
				"(^| )${want%%=*}[= ]" "$config" || echo nothing)"
			lost=1
		fi
	done < <(cat "$@" | grep '^CONFIG_')
	return "$lost"
}

uml_compile()
{
	local source=$1 dir=$2
	nice make -C "$source" O="$dir/kdir" ARCH=um "-j$(nproc)" linux modules &&
	make -C "$source" O="$dir/kdir" ARCH=um INSTALL_MOD_PATH="$dir/root" modules_install
}

# uml_prune KDIR: delete what building modules does not need. The wrapper
# Makefile learns the architecture, so that `make -C KDIR M=...` says enough.
uml_prune()
{
	local kdir=$1
	find "$kdir" \( -path "$kdir/scripts" -o -path "$kdir/tools" \) -prune -o -type f \
		\( -name '*.o' -o -name '*.a' -o -name '.*.cmd' -o -name '*.ko' -o \
		-name '*.mod' -o -name '*.mod.c' \) -exec rm -f {} + &&
	rm -f "$kdir"/{,.tmp_}vmlinux* "$kdir/linux" "$kdir/System.map" &&
	sed -i '1i export ARCH := um' "$kdir/Makefile"
}

# uml_build KERNEL DIR VERSION
uml_build()
{
	local kernel=$1 dir=$2 version=$3 source files minutes=8
	source=$(with_lock source uml_get_source "$version") || return 1
	mapfile -t files < <(uml_config_files "$kernel")
	if [ "$kernel" = uml-debug ]; then
		minutes=15
	fi
	rm -rf "$dir"
	mkdir -p "$dir/kdir"
	cat "${files[@]}" >"$dir/allconfig"
	step "$kernel: configuring" "$cache/log/$kernel-config" \
		make -C "$source" O="$dir/kdir" ARCH=um \
		KCONFIG_ALLCONFIG="$dir/allconfig" allnoconfig || return 1
	uml_check_config "$dir/kdir/.config" "${files[@]}" ||
		say "$kernel: kconfig dropped the options above"
	step "$kernel: compiling (about $minutes minutes on two cores)" \
		"$cache/log/$kernel-build" uml_compile "$source" "$dir" || return 1
	cp "$dir/kdir/linux" "$dir/linux" &&
	strip --strip-debug "$dir/linux" &&
	uml_prune "$dir/kdir" &&
	touch "$dir/.complete"
}

# uml_prepare KERNEL: print the directory of the kernel, made if need be.
uml_prepare()
{
	local kernel=$1 version dir
	with_lock apt apt_refresh || return 1
	version=$(apt_candidate "$uml_source")
	[ -n "$version" ] || die "$kernel: this mirror has no $uml_source"
	dir="$cache/kernels/$kernel-$(uml_key "$kernel")-$version"
	if [ ! -e "$dir/.complete" ]; then
		uml_build "$kernel" "$dir" "$version" >&2 || return 1
	fi
	printf '%s\n' "$dir"
}
