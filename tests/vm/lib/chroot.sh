# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of common.sh and run
# A root directory of trixie in which the module is built for kernels whose
# headers need its compiler and libc; with --trixie tests run that system's own
# programs from it, and our tools among them.

chroot_suite=trixie
chroot_build=make,gcc-14,gcc,libc6-dev,kmod
chroot_run=systemd,udev,mdadm,e2fsprogs,iproute2,procps
chroot_libraries=libcjson1,libgnutls30t64,libinih1,libmnl0

# How this user can make and enter a root directory: root mounts what it needs;
# root in a container that may not mount does without; others use a user
# namespace.
chroot_way()
{
	if [ "$(id -u)" -ne 0 ]; then
		echo user
	elif unshare -m true 2>/dev/null; then
		echo root
	else
		echo bare
	fi
}

# chroot_create DIR ABI VERSION
chroot_create()
{
	local dir=$1 abi=$2 version=$3 mirror keyring way=()
	mirror=$(apt_mirror)
	keyring=$(apt_keyring)
	need mmdebstrap mmdebstrap
	case $(chroot_way) in
	root)	way=(--mode=root) ;;
	bare)	way=(--mode=root --skip=chroot/mount) ;;
	user)	way=(--mode=unshare) ;;
	esac
	# shellcheck disable=SC2016 # expanded by the hook's shell
	mmdebstrap "${way[@]}" --variant=apt --architectures=amd64 \
		--include="$chroot_build,$chroot_run,$chroot_libraries,linux-headers-$abi=$version" \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--customize-hook='mkdir "$1/build"' \
		"$chroot_suite" "$dir/chroot" \
		"deb [signed-by=$keyring] $mirror $chroot_suite main" \
		"deb [signed-by=$keyring] $mirror $chroot_suite-backports main"
}

# chroot_make DIR COPY: build the module in COPY with the root directory's
# headers and compiler. objtool asks /proc/self/maps where its stack is.
chroot_make()
{
	local dir=$1 copy=$2 way=(unshare -m) abi
	abi=$(cat "$dir/abi")
	case $(chroot_way) in
	bare)
		chroot_make_bare "$dir/chroot" "$copy" "$abi"
		return ;;
	user)	way=(unshare --map-root-user --map-auto -m -p --fork) ;;
	esac
	# shellcheck disable=SC2016 # expanded by the inner shell
	"${way[@]}" sh -ec '
		mount -t proc proc "$1/proc" || mount --rbind /proc "$1/proc"
		mount --rbind /dev "$1/dev"
		mount --bind "$2" "$1/build"
		exec chroot "$1" make -C "/usr/src/linux-headers-$3" M=/build "-j$4" modules
		' sh "$dir/chroot" "$copy" "$abi" "$(nproc)"
}

# Nothing can be mounted: the copy moves into the root directory and back.
chroot_make_bare()
{
	local root=$1 copy=$2 abi=$3 status=0 inside
	inside="build/$(basename "$copy")"
	mkdir -p "$root/proc/self" && cat /proc/self/maps >"$root/proc/self/maps" &&
	rm -rf "${root:?}/$inside" && cp -a "$copy" "$root/$inside" || return 1
	chroot "$root" make -C "/usr/src/linux-headers-$abi" M="/$inside" "-j$(nproc)" modules || status=1
	cp -au "$root/$inside/." "$copy/"
	rm -rf "${root:?}/$inside"
	return "$status"
}
