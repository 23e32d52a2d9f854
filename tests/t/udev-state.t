#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What udev knows of a device follows its state: links by signature and by path,
# not ready while its requests fail, and nobody reads it while they wait.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
truncate -s 16M "$T/disk"
echo 'size=4MiB' | sfdisk -q --label gpt "$T/disk"
serve "$T/disk"

property()
{
	udevadm info -q property "/dev/${2:-nda}" | sed -n "s/^$1=//p"
}
has()
{
	[ "$(property "$1" "${3:-nda}")" = "$2" ]
}
leads()
{
	[ "$(readlink -f "$1")" = "/dev/$2" ]
}

spawn uevents udevadm monitor --kernel --property --subsystem-match=block
wait_for 10 grep -q KERNEL "$T/uevents.log"

# told STATE: how often the driver has
told()
{
	grep -c "^ENBD_STATE=$1\$" "$T/uevents.log"
}

need_connect "$URI" --dead-timeout 2
signature=$(enbdctl probe --json "$URI" |
	/usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["signature"])')
digest=$(/usr/bin/python3 -c 'import hashlib, sys
print(hashlib.sha256(bytes.fromhex(sys.argv[1])).hexdigest()[:16])' "$signature")
ok "a link by a digest of the signature" wait_for 10 leads "/dev/nd/by-signature/$digest" nda
ok "and for its partition" wait_for 10 leads "/dev/nd/by-signature/$digest-part1" nda1
unlike "$(find /dev/nd; cat /run/udev/data/b*)" "${signature:0:16}" "the signature itself is nowhere"
path=enbd-nbd:__127.0.0.1:$PORT
ok "a link by the path" leads "/dev/nd/by-path/$path" nda
ok "also where mdadm's policies look" leads "/dev/disk/by-path/$path-part1" nda1
is "$(property SYSTEMD_READY)" "" "ready"
mkfs.ext4 -q -F -L enbdstate /dev/nda1
ok "blkid found the file system" wait_for 10 has ID_FS_LABEL enbdstate nda1

serve_end -KILL
ok "parked" wait_for 10 dev_is nda parked
echo change >/sys/block/nda/uevent
echo change >/sys/block/nda/nda1/uevent
start=$(now_ms)
ok "nobody reads it meanwhile" within 5 udevadm settle --timeout=5
ok "not even for a second" test $(($(now_ms) - start)) -lt $((1000 * SLOW))
ok "the file system is still known" has ID_FS_LABEL enbdstate nda1

ok "given up" wait_for 10 dev_is nda failed
ok "it is not ready" wait_for 10 has SYSTEMD_READY 0
ok "nor is its partition" wait_for 10 has SYSTEMD_READY 0 nda1
ok "whose file system is still known" has ID_FS_LABEL enbdstate nda1
is "$(told parked) $(told down) $(told up)" "1 1 0" "the driver said so"

serve "$T/disk"
ok "back" wait_for 20 dev_is nda up
ok "it says so" wait_for 10 told up
ok "and is ready" wait_for 10 has SYSTEMD_READY ""
ok "and so is its partition" wait_for 10 has SYSTEMD_READY "" nda1
ok "the links are there" leads "/dev/nd/by-signature/$digest" nda

ok "disconnect" wait_for 10 disconnect
links()
{
	find /dev/nd /dev/disk/by-path \( -name 'enbd-*' -o -path '*/by-signature/*' \) 2>/dev/null
}
no_links()
{
	[ -z "$(links)" ]
}
ok "no link is left" wait_for 10 no_links || diag "$(links)"
noted()
{
	find /run/enbd -name 'nda*.env'
}
is "$(noted)" "" "nor what was noted for udev"

# A device that nobody has disconnected leaves its note to no other one.
need_connect "$URI" /dev/nda
ok "connected" wait_for 10 leads "/dev/nd/by-signature/$digest" nda
ok "udev is done" udevadm settle --timeout=10
if rmmod_may; then
	ok "the module is removed under it" wait_for 10 rmmod enbd
	ok "no link is left" wait_for 10 no_links
	isnt "$(noted)" "" "but the note"
	modprobe enbd
	start_nbdkit memory 16M
	need_connect "$URI" /dev/nda
	ok "udev is done" udevadm settle --timeout=10
	is "$(property ID_ENBD_SIGNATURE)" "" "another device by that name has another server"
	nok "and not the old one's link" test -e "/dev/nd/by-signature/$digest"
else
	skip "a note that is left behind" "with lockdep, sockets keep the module"
fi
ok "disconnect" wait_for 10 disconnect
is "$(noted)" "" "no note is left of either"
md_done
