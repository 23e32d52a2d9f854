# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of common.sh and run
# Debian's own kernels, unpacked into the cache, for QEMU.
#
# A kernel's directory has vmlinuz, root/lib/modules (the modules that a test
# may want, uncompressed), early-modules (what the initramfs loads, in order)
# and kdir or, where the headers need a newer release's compiler and libc, a
# root directory of that release, chroot.

# debian_layout SERIES: raised when what such a kernel's directory holds changes
debian_layout()
{
	case $1 in
	7.2)	echo 2 ;;
	*)	echo 1 ;;
	esac
}

# What a storage and network test can want of the modules.
debian_wanted=(arch block crypto kernel lib mm net security virt
	drivers/base drivers/block drivers/char drivers/crypto drivers/dax drivers/md
	drivers/nvme drivers/target drivers/virtio drivers/net/veth drivers/net/dummy
	drivers/net/bonding drivers/net/net_failover drivers/net/virtio_net
	fs/9p fs/btrfs fs/configfs fs/ext4 fs/fscache fs/fuse fs/jbd2 fs/mbcache
	fs/netfs fs/nls fs/overlayfs fs/xfs fs/gfs2 fs/ocfs2 fs/dlm)
debian_early=(virtio_pci virtio_console virtio_rng 9p 9pnet_virtio overlay)

debian_find() { newest_complete "debian-$1-$(debian_layout "$1")-"; }

# debian_abi SERIES: the newest kernel of the series, as in uname -r.
debian_abi()
{
	apt_in apt-cache pkgnames "linux-headers-$1." |
		sed -nE "s/^linux-headers-(${1//./\\.}\.[0-9.]+([+-][a-z0-9.]+)?-amd64)\$/\1/p" |
		sort -V | tail -n 1
}

# debian_unpack PACKAGE VERSION INTO TAR-OPTION...
debian_unpack()
{
	local package=$1 version=$2 into=$3 deb
	shift 3
	deb=$(apt_fetch "$package=$version") || return 1
	mkdir -p "$into"
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$into" --no-same-owner "$@" || return 1
	rm -f "$deb"
}

# debian_image DIR ABI VERSION: the kernel and its modules. Since 7.x the image
# is an empty package that depends on three others.
debian_image()
{
	local dir=$1 abi=$2 version=$3 package packages=("linux-image-$2")
	local temp="$dir/unpacked" wanted=() d
	if [ -n "$(apt_candidate "linux-modules-$abi")" ]; then
		packages=("linux-base-$abi" "linux-binary-$abi" "linux-modules-$abi")
	fi
	for package in "${packages[@]}"; do
		debian_unpack "$package" "$version" "$temp" || return 1
	done
	local from="$temp/lib/modules/$abi" to="$dir/root/lib/modules/$abi"
	if [ -d "$temp/usr/lib/modules/$abi" ]; then
		from="$temp/usr/lib/modules/$abi"
	fi
	local image="$temp/boot/vmlinuz-$abi"
	if [ -e "$from/vmlinuz" ]; then
		image="$from/vmlinuz"
	fi
	for d in "${debian_wanted[@]}"; do
		wanted+=(-path "./kernel/$d/*" -o -path "./kernel/$d.ko*" -o)
	done
	install -m 644 "$image" "$dir/vmlinuz" && mkdir -p "$to" || return 1
	(cd "$from" && find . -type f \( "${wanted[@]}" -name 'modules.builtin*' -o \
		-name modules.order \) -print0 | cpio -0pdm --quiet "$to") || return 1
	rm -rf "$temp"
	find "$to" -name '*.ko.xz' -exec xz -d {} + &&
	find "$to" -name '*.ko.zst' -exec zstd -dq --rm {} + &&
	sed -i -E 's/\.ko\.(xz|zst)$/.ko/' "$to/modules.order" &&
	PATH=$PATH:/usr/sbin:/sbin depmod -b "$dir/root" "$abi"
}

# debian_early_modules DIR ABI: what the initramfs must load, dependencies first.
debian_early_modules()
{
	local dir=$1 abi=$2 module
	for module in "${debian_early[@]}"; do
		PATH=$PATH:/usr/sbin:/sbin modprobe -C /dev/null -d "$dir/root" -S "$abi" \
			--show-depends "$module" || return 1
	done | sed -n "s|^insmod $dir/\([^ ]*\).*|\1|p" | awk '!seen[$0]++' >"$dir/early-modules"
}

# debian_headers DIR ABI VERSION: KDIR that works from where it is. The headers'
# one absolute path is rewritten. Without vmlinux no BTF is made, which would
# need pahole.
debian_headers()
{
	local dir=$1 abi=$2 version=$3 package root="$1/headers"
	debian_unpack "linux-headers-$abi" "$version" "$root" || return 1
	for package in $(apt_in apt-cache show "linux-headers-$abi=$version" |
			sed -n 's/^Depends: //p' | tr -d ' ' | tr , '\n' |
			sed -nE 's/^(linux-headers-[^(|]*-common|linux-kbuild-[^(|]*).*/\1/p' | sort -u); do
		debian_unpack "$package" "$version" "$root" || return 1
	done
	rm -f "$root/usr/src/linux-headers-$abi/vmlinux" &&
	sed -i "s|^include /usr/src/|include $root/usr/src/|" "$root/usr/src/linux-headers-$abi/Makefile" &&
	ln -sfn "headers/usr/src/linux-headers-$abi" "$dir/kdir"
}

debian_get()
{
	local kernel=$1 dir=$2 abi=$3 version=$4
	rm -rf "$dir"
	mkdir -p "$dir"
	printf '%s\n' "$abi" >"$dir/abi"
	step "$kernel: fetching $abi" "$cache/log/$kernel-image" \
		debian_image "$dir" "$abi" "$version" || return 1
	debian_early_modules "$dir" "$abi" || return 1
	if [ "$kernel" = 7.2 ]; then
		step "$kernel: a root directory of trixie with headers and compiler" \
			"$cache/log/$kernel-chroot" chroot_create "$dir" "$abi" "$version" || return 1
	else
		step "$kernel: fetching the headers" "$cache/log/$kernel-headers" \
			debian_headers "$dir" "$abi" "$version" || return 1
	fi
	touch "$dir/.complete"
}

# debian_prepare SERIES: print the directory of the kernel, made if need be.
debian_prepare()
{
	local kernel=$1 abi version dir
	with_lock apt apt_refresh || return 1
	abi=$(debian_abi "$kernel")
	[ -n "$abi" ] || die "$kernel: this mirror has no such kernel"
	version=$(apt_candidate "linux-headers-$abi")
	dir="$cache/kernels/debian-$kernel-$(debian_layout "$kernel")-$version"
	if [ ! -e "$dir/.complete" ]; then
		debian_get "$kernel" "$dir" "$abi" "$version" >&2 || return 1
	fi
	printf '%s\n' "$dir"
}
