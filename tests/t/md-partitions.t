#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Partitions of one network disk are legs of two arrays. Both are taken back after
# an outage and after a power cut, each with its own lost regions. As long as a
# third partition, in no array, may have lost something as well, the disk is left
# to a person.

. "$(dirname "$0")/../lib/enbd.sh"
. "$ENBD_LIB/md.sh"

md_start
image=$T/remote
truncate -s 48M "$image"
printf 'size=16MiB\nsize=16MiB\nsize=8MiB\n' | sfdisk -q --label gpt "$image"
serve "$image"
need_connect "$URI" -n 2 --dead-timeout 60
ok "partitions" wait_for 10 test -b /dev/nda3

both()
{
	use_array md0
	"$@" nda1 || return 1
	use_array md1
	"$@" nda2
}
settled()
{
	md_settled
}
whole()
{
	md_whole && member_is in_sync "$1"
}
same()
{
	local n

	n=$(mismatches)
	[ "$n" = 0 ] || { echo "$MD: $n sectors differ"; return 1; }
}
faulty()
{
	member_is faulty "$1"
}
# What md's own writes would flush is in the image before.
prepare()
{
	both busy
	both wait_for 60 settled || die "clean bitmaps" "$(cat /proc/mdstat)"
	both quiet
}
busy()
{
	busy_md
}
quiet()
{
	quiet_md
	scatter 16 7 sync
}
again()
{
	scatter 16 7
}

use_array md0
md_create 1 /dev/nda1
use_array md1
md_create 5 /dev/nda2
legs=("${LEGS[@]}")

prepare
enbdctl set "$DEV" --dead-timeout 0.25
serve_end -KILL
ok "given up" wait_for 20 dev_is "$NAME" failed
ok "writes to both arrays" both again
ok "both legs are out" wait_for 10 both faulty
serve "$image"
ok "an outage: both are back" wait_for 30 both whole
ok "an outage: no difference" both same

enbdctl set "$DEV" --dead-timeout 60
prepare
cp --sparse=always "$image" "$image.flushed"
ok "writes to both arrays, not flushed" both again
power_cut "$image" "$image.flushed"
note
serve "$image"
ok "a power cut: it is noticed" wait_for 20 log_has "what its server may have forgotten"
ok "a power cut: both are back" wait_for 30 both whole
ok "a power cut: no difference" both same

prepare
cp --sparse=always "$image" "$image.flushed"
ok "writes to both arrays" both again
dd if=/dev/urandom of=/dev/nda3 bs=64k count=4 oflag=direct status=none
power_cut "$image" "$image.flushed"
note
serve "$image"
ok "a third partition: refused" wait_for 20 log_has "nda3: may have lost writes and is in no running array"
is "$(dev_state)" stale "a third partition: the disk stays stale"
ok "a third partition: a person takes it on" within 20 enbdctl readd --force --wait 0 nda
ok "a third partition: the legs come back" wait_for 30 both whole
ok "a third partition: no difference" both same
md_done
