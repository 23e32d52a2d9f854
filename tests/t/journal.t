#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What is in the journal: regions with writes that were acknowledged and not
# flushed since. Whatever writes, and however a flush ends.
#
#     dd -- nda -- channels -- proxy -- nbdkit, a flush that may fail
#
# The server has "shown" VERIFIER because the test tells the driver so.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 16M "$T/disk"
cat >"$T/plugin" <<END
case \$1 in
get_size) stat -c %s "$T/disk" ;;
thread_model) echo parallel ;;
can_write | can_flush | can_trim | can_multi_conn) ;;
can_fua) echo native ;;
can_zero) ;;
pread) dd if="$T/disk" skip=\$4 count=\$3 iflag=count_bytes,skip_bytes status=none ;;
pwrite) dd of="$T/disk" seek=\$4 conv=notrunc oflag=seek_bytes status=none ;;
trim | zero) ;;
flush) echo flush >>"$T/flushes"; [ ! -e "$T/bad" ] || { echo EIO bad >&2; exit 1; } ;;
*) exit 2 ;;
esac
END
chmod +x "$T/plugin"
start_nbdkit sh "$T/plugin"
start_proxy "$PORT"
load_module

shown()
{
	"$ENBD_LIB/shown.py" "$@"
}

need_device()
{
	NAME=$(shown add "$PORT" 8 s 1) || die "device add" "$NAME"
	DEV=/dev/$NAME
}

# write_4k KIB [MORE-FLAGS]
write_4k()
{
	dd if=/dev/zero of="$DEV" bs=4k seek=$(($1 / 4)) count=1 \
		oflag=direct"${2:+,$2}" conv=notrunc
}

unflushed()
{
	echo $(($(cat "/sys/block/$NAME/enbd/unflushed") / 65536))
}

unflushed_is()
{
	[ "$(unflushed)" = "$1" ]
}

# set_device NAME=NUMBER
set_device()
{
	/usr/bin/python3 -c "
import sys
sys.path.insert(0, '$ENBD_LIB')
from nl import Family
Family().call('device-set', index=0, $1)"
}

R=64	# KiB of a region

need_device
is "$(unflushed)" 0 "nothing"
ok "write" write_4k 0
is "$(unflushed)" 1 "a write"
ok "the same region" write_4k 4
is "$(unflushed)" 1 "once"
ok "with O_DSYNC" write_4k $((5 * R)) dsync
is "$(unflushed)" 0 "what is durable at once does not count"
ok "write" write_4k 0
is "$(unflushed)" 1 "a write"
ok "zeroes" blkdiscard -z -o $((2 * R * 1024)) -l $((2 * R * 1024)) "$DEV"
is "$(unflushed)" 3 "zeroes do"
ok "discard" blkdiscard -o $((8 * R * 1024)) -l $((3 * R * 1024)) "$DEV"
is "$(unflushed)" 6 "discards do"
like "$(shown get 0 | xargs)" 'region-size 65536 .*unflushed 393216' \
	"netlink says the same"
ok "read" dd if="$DEV" of=/dev/null bs=4k count=1 skip=1000 iflag=direct
is "$(unflushed)" 6 "reads do not"
ok "flush" sync "$DEV"
is "$(unflushed)" 0 "all flushed"

# A flush that fails clears nothing.
ok "write" write_4k 0
: >"$T/bad"
nok "a flush fails" sync "$DEV"
is "$(unflushed)" 1 "it has cleared nothing"
rm "$T/bad"
ok "the next one does not" sync "$DEV"
is "$(unflushed)" 0 "and clears"

# A flush whose answer does not come before its channel is lost is sent again
# on another one, and stands for the same writes.
ok "write" write_4k 0
flushes=$(wc -l <"$T/flushes")
more_flushes()
{
	[ "$(wc -l <"$T/flushes")" -gt "$flushes" ]
}
ok "hold the answers" proxy hold all down
spawn sync sync "$DEV"
sync=$PID
ok "the server has done a flush" wait_for 10 more_flushes
is "$(unflushed)" 1 "which we do not know"
ok "the channel is lost" proxy cut all
ok "parked" wait_for 5 dev_is "$NAME" parked
is "$(unflushed)" 1 "nothing is cleared by that"
ok "a channel" shown channel 0 "$PORT" 8 s 1
ends 20 "$sync"
is $? 0 "the flush is done"
is "$(unflushed)" 0 "and has cleared"

# One that is given up.
ok "set a dead timeout" set_device dead_timeout=500
ok "write" write_4k 0
ok "refuse, and cut" eval 'proxy refuse && proxy cut all'
spawn sync sync "$DEV"
sync=$PID
ends 20 "$sync"
isnt $? 0 "a flush is given up"
is "$(unflushed)" 1 "and has cleared nothing"
ok "it comes back" proxy accept
ok "a channel" shown channel 0 "$PORT" 8 s 1
ok "flush" sync "$DEV"
is "$(unflushed)" 0 "cleared"

# The device grows: what is known is not forgotten, what is new is known.
ok "write" write_4k 0
truncate -s 32M "$T/disk"
ok "grow" set_device size=$((32 << 20))
is "$(unflushed)" 1 "still known"
ok "a channel to the new size" shown channel 0 "$PORT" 8 s 1
ok "the old one goes" enbdctl channel del "$DEV" 0
ok "write to what is new" write_4k 32764
is "$(unflushed)" 2 "known too"
ok "shrink" set_device size=$((16 << 20))
is "$(unflushed)" 1 "what is beyond the end does not count"
ok "grow" set_device size=$((32 << 20))
ok "flush" sync "$DEV"
is "$(unflushed)" 0 "all flushed"

# Many flushes at once: nothing is left when all have ended.
spawn fio fio --name=l --filename="$DEV" --rw=randwrite --bs=4k --size=16M \
	--ioengine=psync --direct=1 --fsync=1 --end_fsync=1 --numjobs=8 --number_ios=$(scale 60 5)
fio=$PID
ends 60 "$fio"
is $? 0 "writes with flushes from eight sides"
is "$(unflushed)" 0 "all flushed"
ok "disconnect" disconnect

done_testing
