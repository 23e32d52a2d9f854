#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What "make demo" shows: a file on a server becomes a disk on a client.
#
#     netns "server"                        client (this namespace)
#
#     disk.img -- enbd-server               /dev/nda -- ext4 -- /mnt
#                 10.9.8.1  ===== four channels =====  10.9.8.2
#
# Runs as root in a guest, where the module and the tools were built.

set -eu
set -o pipefail

tree=$(cd "$(dirname "$0")/../.." && pwd)
export PATH=$tree/build:$PATH:/usr/sbin:/sbin LC_ALL=C
work=$(mktemp -d /tmp/demo.XXXXXX)
server=

bold=$(printf '\033[1m') plain=$(printf '\033[0m')
[ -t 1 ] || bold='' plain=''

say()
{
	printf '\n%s--- %s%s\n' "$bold" "$*" "$plain"
}

# Shows a command as one would type it, and runs it.
run()
{
	printf '%s# %s%s\n' "$bold" "$*" "$plain"
	"$@"
}

on_server()
{
	printf '%sserver# %s%s\n' "$bold" "$*" "$plain"
	ip netns exec server "$@"
}

leave()
{
	rc=$?
	trap - EXIT
	umount "$work/mnt" 2>/dev/null || :
	[ ! -d /sys/module/enbd ] ||
		enbdctl disconnect --all --force >/dev/null 2>&1 || :
	[ ! -s "$work/pid" ] || kill "$(cat "$work/pid")" 2>/dev/null || :
	ip netns del server 2>/dev/null || :
	rm -rf "$work"
	[ $rc = 0 ] || echo "demo: FAILED"
	exit $rc
}
trap leave EXIT

say "Two machines, here two network namespaces joined by a cable"
ip netns add server
ip link add name cable type veth peer name cable0 netns server
ip addr add 10.9.8.2/24 dev cable
ip link set cable up
ip -n server addr add 10.9.8.1/24 dev cable0
ip -n server link set cable0 up
ip -n server link set lo up
echo "client 10.9.8.2 <====> 10.9.8.1 server, Linux $(uname -r)"

say "The server offers a file of 64 MiB"
truncate -s 64M "$work/disk.img"
on_server enbd-server 1099 "$work/disk.img" --bind 10.9.8.1 \
	--pidfile "$work/pid"

say "The client makes it a disk, over four channels"
run modprobe enbd
run enbdctl connect nbd://10.9.8.1:1099 /dev/nda -n 4
run lsblk -o NAME,SIZE,RO,TYPE /dev/nda

say "A file system and some files"
mkdir "$work/mnt"
run mkfs.ext4 -q /dev/nda
run mount /dev/nda "$work/mnt"
mkdir "$work/mnt/bin"
cp /bin/bash /bin/ls /bin/mount /usr/bin/env "$work/mnt/bin/"
head -c 8M /dev/urandom >"$work/mnt/random"
(cd "$work/mnt" && sha256sum bin/* random) >"$work/sums"
run df -h "$work/mnt"

say "What the channels did"
run umount "$work/mnt"
run enbdctl status

say "Disconnected, and connected again"
run enbdctl disconnect /dev/nda
[ ! -e /sys/block/nda ]
run enbdctl connect nbd://10.9.8.1:1099 /dev/nda -n 4
run mount /dev/nda "$work/mnt"

say "Are the files what they were?"
(cd "$work/mnt" && sha256sum -c "$work/sums")
[ "$(wc -l <"$work/sums")" = 5 ]
run umount "$work/mnt"
run enbdctl disconnect /dev/nda

echo
echo "demo: all checksums right"
