# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2154 # variables of common.sh and run
# Packages of other Debian releases, by an apt state of our own: the system's
# sources, lists and package database are never touched.

# apt_uri NAME: the mirror of Debian's archive NAME (debian or debian-security)
# that the system's own apt uses, so that a proxy or a local mirror keeps working.
apt_uri()
{
	cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list \
		/etc/apt/sources.list.d/*.list 2>/dev/null | awk -v end="/$1/?\$" '
		/^(URIs:|deb )/ {
			for (i = 2; i <= NF; i++)
				if ($i ~ end) { sub(/\/$/, "", $i); print $i; exit }
		}'
}

# apt_mirror: print the mirror's address. ENBD_VM_MIRROR overrides it.
apt_mirror()
{
	local uri=${ENBD_VM_MIRROR:-$(apt_uri debian)}
	[ -n "$uri" ] || die "apt: no Debian mirror in /etc/apt; set ENBD_VM_MIRROR to one"
	printf '%s\n' "${uri%/}"
}

apt_keyring()
{
	local k
	for k in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
		if [ -e "$k" ]; then
			printf '%s\n' "$k"
			return
		fi
	done
	die "apt: no keyring of Debian's archive; install the package debian-archive-keyring"
}

# apt_in ARGS...: an apt program with our state instead of the system's.
apt_in() { APT_CONFIG="$cache/apt/apt.conf" "$@"; }

apt_setup()
{
	local mirror security keyring suite
	mirror=$(apt_mirror)
	keyring=$(apt_keyring)
	mkdir -p "$cache"/apt/{state/lists/partial,cache/archives/partial,empty} "$cache/debs"
	: >"$cache/apt/status"
	for suite in bookworm bookworm-backports trixie-backports; do
		printf 'deb [signed-by=%s] %s %s main\n' "$keyring" "$mirror" "$suite"
	done >"$cache/apt/sources.list"
	security=$(apt_uri debian-security)
	if [ -n "$security" ]; then
		printf 'deb [signed-by=%s] %s bookworm-security main\n' "$keyring" "$security" \
			>>"$cache/apt/sources.list"
	fi
	cat >"$cache/apt/apt.conf" <<-CONF
	Dir::State "$cache/apt/state";
	Dir::State::status "$cache/apt/status";
	Dir::Cache "$cache/apt/cache";
	Dir::Etc::sourcelist "$cache/apt/sources.list";
	Dir::Etc::sourceparts "$cache/apt/empty";
	Dir::Etc::preferencesparts "$cache/apt/empty";
	Dir::Etc::preferences "/dev/null";
	APT::Architecture "amd64";
	APT::Architectures "amd64";
	APT::Sandbox::User "";
	APT::Update::Post-Invoke-Success "";
	APT::Update::Post-Invoke "";
	Acquire::Languages "none";
	Acquire::Retries "3";
	Acquire::http::Timeout "30";
	#clear APT::Update::Post-Invoke-Success;
	#clear APT::Update::Post-Invoke;
	CONF
}

# apt_refresh: package lists not older than an hour.
apt_refresh()
{
	apt_setup
	if [ -n "$(find "$cache/apt/updated" -mmin -60 2>/dev/null)" ]; then
		return 0
	fi
	step "reading the package lists" "$cache/log/apt-update" \
		apt_in apt-get -q update || return 1
	touch "$cache/apt/updated"
}

# apt_candidate PACKAGE: its newest version, empty when there is none.
apt_candidate()
{
	local best='' v
	for v in $(apt_in apt-cache madison "$1" 2>/dev/null |
			awk -F'|' '{ gsub(/ /, "", $2); print $2 }'); do
		if [ -z "$best" ] || dpkg --compare-versions "$v" gt "$best"; then
			best=$v
		fi
	done
	printf '%s\n' "$best"
}

# apt_fetch PACKAGE=VERSION: download a package, print the file's name.
apt_fetch()
{
	local dir="$cache/debs" name=${1%%=*} version=${1#*=} file
	file="$dir/${name}_${version//:/%3a}"
	set -- "$1" "$file"*.deb
	if [ ! -s "$2" ]; then
		(cd "$dir" && apt_in apt-get -q download "$1") >&2 || return 1
		set -- "$1" "$file"*.deb
	fi
	[ -s "$2" ] || return 1
	printf '%s\n' "$2"
}

# early_busybox: print the path of a static busybox for the initramfs.
early_busybox()
{
	local box="$cache/tools/busybox" version deb temp
	if [ ! -x "$box" ]; then
		mkdir -p "$cache/tools"
		apt_refresh || return 1
		version=$(apt_candidate busybox-static)
		deb=$(apt_fetch "busybox-static=$version") || return 1
		temp=$(mktemp "$cache/tools/busybox.XXXXXX")
		dpkg-deb --fsys-tarfile "$deb" | tar -xO ./bin/busybox >"$temp" &&
		chmod 755 "$temp" && mv "$temp" "$box" || return 1
		rm -f "$deb"
	fi
	printf '%s\n' "$box"
}
