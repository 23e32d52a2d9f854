#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# Block devices as exports: their block size, claims, zeroes and discards.
. "$(dirname "$0")/../lib/server.sh"
needs losetup nbdinfo qemu-io
[ "$(id -u)" = 0 ] || skip_all "needs root for a loop device"

LOOPS=()
end_loops()
{
	local dev

	for dev in "${LOOPS[@]}"; do
		losetup -d "$dev"
	done
	cleanup
}
trap end_loops EXIT

# new_loop FILE [OPTIONS]: sets LOOP
new_loop()
{
	LOOP=$(losetup -f --show "${@:2}" "$1" 2>"$T/err") ||
		skip_all "no loop devices here: $(head -1 "$T/err")"
	LOOPS+=("$LOOP")
}

# io NAME COMMANDS...: qemu-io carries them out, and no pattern is wrong.
io()
{
	local name=$1 args=()

	shift
	for command; do
		args+=(-c "$command")
	done
	if qemu-io -f raw "${args[@]}" "$URI" >"$T/out" 2>&1 &&
		! grep -qiE 'failed|error|mismatch' "$T/out"; then
		pass "$name"
	else
		fail "$name"
		diag "$(cat "$T/out")"
	fi
}

truncate -s 32M "$T/a" "$T/b"
new_loop "$T/a"
one=$LOOP
new_loop "$T/b" --sector-size 4096
two=$LOOP

serve 0 "$one"
is "$(nbdinfo --size "$URI")" 33554432 "size of the device"
like "$(nbdinfo "$URI")" "block_size_minimum: 512" "its block size"
io "write, read, flush" "write -P 1 0 1M" "write -f -P 2 512 1024" "flush" \
	"read -P 1 0 512" "read -P 2 512 1024" "read -P 1 1536 512"
io "zeroes" "write -z 0 64k" "read -P 0 0 64k" "read -P 1 64k 64k"
io "zeroes that may be unmapped" "write -z -u 64k 64k" "read -P 0 64k 64k" "read -P 1 128k 64k"
io "discard" "discard 1M 8M" "write -P 3 1M 4k" "read -P 3 1M 4k"
status 6 "a second server is refused" enbd-server -f 0 "$one"
ok "its claim is that of a mount" sh -c "! mount -t ext4 $one $T 2>$T/err && grep -q busy $T/err"
ended "it ends on SIGTERM"
ok "what was written is there" cmp -n 4096 -i 1048576 "$one" "$T/a"
is "$(od -An -tx1 -j 1048576 -N 2 "$T/a" | tr -d ' ')" 0303 "on the disk below"

serve 0 "$two"
like "$(nbdinfo "$URI")" "block_size_minimum: 4096" "blocks of 4 KiB"
io "write and read" "write -P 5 0 1M" "read -P 5 0 1M"
ended "it ends on SIGTERM"

serve 0 "$one" "$two"
is "$(nbdinfo --size "$URI")" 67108864 "two devices"
like "$(nbdinfo "$URI")" "block_size_minimum: 4096" "the larger block size of both"
io "over the border" "write -P 7 32764k 8k" "read -P 7 32764k 8k" "flush"
ended "it ends on SIGTERM"

serve 0 "$one" -r
status 6 "no writer beside a reader" enbd-server -f 0 "$one"
ended "it ends on SIGTERM"

# What cannot be zeroed fast is refused, and nothing that was written before is
# touched by that, though it is in the page cache only.
if [ "$(cat /sys/block/ram0/queue/write_zeroes_max_bytes 2>/dev/null)" = 0 ]; then
	serve 0 /dev/ram0
	# Without flushes, so all of it is one process: at its end it flushes.
	qemu-io -f raw -t writeback -c "write -P 8 0 64k" -c "write -P 9 64k 512" -c "write -z -u -n 0 64k" \
		-c "write -z -u -n 64k 512" -c "read -P 8 0 64k" -c "read -P 9 64k 512" \
		"$URI" >"$T/out" 2>&1
	is "$(grep -c 'not supported' "$T/out")" 2 "fast zeroes are refused"
	is "$(grep -c '^read .* bytes' "$T/out")" 2 "reads"
	is "$(grep 'verification failed' "$T/out")" "" "of what was written"
	io "slow zeroes" "write -z -u 0 64k" "read -P 0 0 64k"
	ended "it ends on SIGTERM"
else
	skip "fast zeroes that are refused" "no ram disk that cannot zero by itself"
fi

done_testing
