#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The udev rules: a device has its link in /dev/nd/by-export while it is there,
# so have its partitions, and blkid finds what is on it. A systemd-udevd of the
# guest's own does the work.

. "$(dirname "$0")/../lib/enbd.sh"

udevd=
for f in /lib/systemd/systemd-udevd /usr/lib/systemd/systemd-udevd; do
	[ -x "$f" ] && udevd=$f
done
[ -n "$udevd" ] || skip_all "no systemd-udevd installed"
made=
[ -e /run/udev ] || made=/run/udev
mkdir -p /run/udev/rules.d
cp "$ENBD_TREE/udev/60-enbd.rules" /run/udev/rules.d/

running=
if ! udevadm control --ping --timeout=1 2>/dev/null; then
	spawn udevd "$udevd"
	running=1 udevd_pid=$PID
	wait_for 20 udevadm control --ping --timeout=1 || {
		rm -rf /run/udev/rules.d/60-enbd.rules ${made:+"$made"}
		clean_up
		skip_all "udevd does not run here: $(tail -n 1 "$T/udevd.log")"
	}
else
	udevadm control --reload
fi

truncate -s 16M "$T/disk"
echo 'size=4MiB' | sfdisk -q --label gpt "$T/disk"
mkdir "$T/d"
mv "$T/disk" "$T/d/my disk"
start_nbdkit file dir="$T/d"

links()
{
	find /dev/nd -type l -printf '%P -> ' -exec readlink -f {} \; 2>/dev/null
}

linked()
{
	links | grep -q -- "-> $1\$"
}

need_connect "$URI/my%20disk" -n 2
ok "a link for the device" wait_for 10 linked /dev/nda
ok "and one for its partition" wait_for 10 linked /dev/nda1
like "$(links)" 'by-export/.*my.*disk' "it carries the export's name"
unlike "$(links)" 'my disk' "with nothing in it that a shell would split"
diag "$(links)"
ok "settled" within 20 udevadm settle --timeout=15

mkfs.ext4 -q -F -L enbdtest /dev/nda1
labelled()
{
	udevadm info -q property /dev/nda1 | grep -q '^ID_FS_LABEL=enbdtest'
}
ok "blkid looks again after a writer closed it" wait_for 10 labelled

ok "disconnect while udevd may look at it" wait_for 10 disconnect
ok "settled" within 20 udevadm settle --timeout=15
is "$(links)" "" "no link is left"

if [ -n "$running" ]; then
	udevadm control --exit
	wait_for 10 gone "$udevd_pid"
fi
# mdadm leaves its links to udev where there is a /run/udev.
rm -rf /run/udev/rules.d/60-enbd.rules ${made:+"$made"}
done_testing
