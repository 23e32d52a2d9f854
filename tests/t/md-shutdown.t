#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The machine goes down with a mounted array whose server is gone, on a device that
# would wait for ever. What the units do, in their order: enbd-hurry is started,
# file systems are unmounted, arrays and devices end. Within a minute.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote
LEG_MB=32
truncate -s "${LEG_MB}M" "$image"
serve "$image"
printf '[device leg]\nuri = %s\nchannels = 2\n' "$URI" >"$T/conf"
DEV=$(enbdctl up -c "$T/conf" leg) || die "enbdctl up"
NAME=${DEV#/dev/}
is "$(field 'dev["dead_timeout_ms"]')" 0 "requests would wait for ever"
md_create 1
steady_md
# Nothing is left to write by itself that a new file would have to wait for.
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$MD"
mkdir "$T/mnt"
mount "$MD" "$T/mnt" || die "mount"
dd if=/dev/urandom of="$T/mnt/file" bs=1M count=8 status=none
sum=$(md5sum <"$T/mnt/file")

serve_end -KILL
ok "parked" wait_for 10 dev_is "$NAME" parked
dd if=/dev/urandom of="$T/mnt/more" bs=1M count=4 status=none
start=$(now_ms)

# The rest runs with a limit of its own: what hangs is seen, and does not hang us.
stop()
{
	local name=$1

	shift
	spawn "stop" within 60 "$@"
	ok "$name" ends 60 "$PID" || diag "$(cat "$T/stop.log")"
}
stop "enbd-hurry is started" "$ENBD_TREE/systemd/hurry" 3
stop "the file system is unmounted" umount "$T/mnt"
stop "the array is stopped" mdadm --stop "$MD"
stop "the device goes down" enbdctl down -c "$T/conf" leg
took=$((($(now_ms) - start) / 1000))
ok "all within a minute ($took s)" test "$took" -le $((60 * SLOW))
ok "the device is gone" wait_for 20 no_devices

ok "the local leg is a degraded array" start_alone
mount -o ro "$MD" "$T/mnt"
is "$(md5sum <"$T/mnt/file")" "$sum" "with all that was written"
ok "also while the server was gone" test "$(stat -c %s "$T/mnt/more")" = 4194304
umount "$T/mnt"
md_done
