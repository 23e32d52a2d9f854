#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# qemu-img and qemu-io as clients.
. "$(dirname "$0")/../lib/server.sh"
needs qemu-img qemu-io

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

mib=$((64 / LOAD))
truncate -s ${mib}M "$T/disk"
serve 0 "$T/disk"
like "$(qemu-img info "$URI")" "virtual size: $mib MiB" "info"
io "write and read" "write -P 1 0 1M" "write -P 2 4095 8194" "read -P 1 0 4095" \
	"read -P 2 4095 8194" "read -P 1 12289 1036287"
io "FUA" "write -f -P 3 64k 64k" "read -P 3 64k 64k"
io "zeroes" "write -z 0 8k" "read -P 0 0 8k"
io "zeroes that may be unmapped" "write -z -u 8k 8k" "read -P 0 8k 8k"
io "discard" "discard 0 1M" "flush"
io "many at once" "aio_write -P 4 0 4M" "aio_write -P 5 4M 4M" "aio_flush" \
	"aio_read -P 4 0 4M" "aio_read -P 5 4M 4M" "aio_flush"
last=$(((mib << 20) - 1))
io "the last byte" "write -P 6 $last 1" "read -P 6 $last 1"

head -c ${mib}M /dev/urandom >"$T/random"
ok "convert in" qemu-img convert -n -f raw -O raw -m 16 -W "$T/random" "$URI"
ok "compare" qemu-img compare -f raw -F raw "$T/random" "$URI"
ok "the file has it" cmp "$T/random" "$T/disk"
ok "convert out" qemu-img convert -f raw -O qcow2 -m 16 -W "$URI" "$T/copy"
ok "compare" qemu-img compare -f raw -F qcow2 "$URI" "$T/copy"
ended "it ends on SIGTERM"

serve 0 "$T/disk" -r
nok "read-only: cannot be written" qemu-io -f raw -c "write 0 512" "$URI"
ok "read-only: can be read" qemu-img compare -f raw -F raw "$T/random" "$URI"
ended "it ends on SIGTERM"

if command -v qemu-nbd >/dev/null; then
	serve 0 "$T/disk"
	nok "qemu does not write to a file that is served" \
		qemu-io -f raw -c "write 0 512" "$T/disk"
	ended "it ends on SIGTERM"
fi

done_testing
