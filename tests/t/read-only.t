#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server that allows no writing makes a read-only disk, so does
# connect --read-only, and no write leaves the machine for either.

. "$(dirname "$0")/../lib/enbd.sh"

head -c 4M /dev/urandom >"$T/disk"
cp "$T/disk" "$T/copy"

write_it()
{
	dd if=/dev/zero of="$DEV" bs=4k count=4 oflag=direct
}

check()
{
	is "$(cat "/sys/block/$NAME/ro")" 1 "$1: ro in sysfs"
	is "$(field 'dev["read_only"]')" true "$1: read_only in status"
	nok "$1: a write is refused" write_it
	nok "$1: a discard is refused" blkdiscard "$DEV"
	nok "$1: so are zeroes" blkdiscard -z "$DEV"
	ok "$1: reading works" cmp "$DEV" "$T/disk"
	ok "$1: the file is as it was" cmp "$T/disk" "$T/copy"
	# blockdev --setrw asks the driver; a server's no is final.
	blockdev --setrw "$DEV" 2>/dev/null
	nok "$1: blockdev --setrw does not help" write_it
	ok "$1: still as it was" cmp "$T/disk" "$T/copy"
	is "$(field 'sum(c["bytes_written"] for c in ch)')" 0 "$1: nothing sent"
	ok "$1: disconnect" disconnect
}

start_server -o -r "$T/disk"
need_connect "$URI" -n 2
check "server -r"

stop_server "$PID"
start_server "$T/disk"
need_connect "$URI" --read-only
check "connect --read-only"

# The write side of the same export is unharmed by it.
need_connect "$URI"
ok "without --read-only it is writable" write_it
ok "disconnect" disconnect

done_testing
