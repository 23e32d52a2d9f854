#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# Load with verification by fio's nbd engine; clients that are killed under
# load; a server that is told to end under load.
. "$(dirname "$0")/../lib/server.sh"
needs fio
fio --enghelp=nbd >/dev/null 2>&1 || skip_all "fio has no nbd engine"

load()
{
	timeout 60 fio --name=load --ioengine=nbd --uri="$URI" --thread \
		--aux-path="$T" --output="$T/fio.out" "$@"
}

truncate -s 64M "$T/disk"
serve 0 "$T/disk"
ok "small and large, 32 at once" load --rw=randwrite --bsrange=512-128k \
	--blockalign=512 --iodepth=32 --size=$((32 / LOAD))M --verify=crc32c
ok "four connections" load --rw=randwrite --bs=4k --iodepth=16 --numjobs=4 \
	--size=$((8 / LOAD))M --offset_increment=8M --verify=crc32c
ok "1 MiB" load --rw=write --bs=1M --iodepth=8 --size=$((64 / LOAD))M --verify=crc32c
ok "discards between" load --rw=randtrim --bs=4k --iodepth=16 --size=$((16 / LOAD))M

# Of its own it has 5 threads, and 16 for I/O; those of a client must not be there.
clients_gone()
{
	local threads

	threads=$(grep -c . < <(ls "/proc/$PID/task"))
	! ls -l "/proc/$PID/fd" | grep -q 'socket:.*$' ||
		[ "$(ls -l "/proc/$PID/fd" | grep -c socket:)" -le "$listeners" ] &&
		[ "$threads" -le 21 ]
}
listeners=1
ok "no client is left" eventually 10 clients_gone

for i in 1 2 3; do
	fio --name=victim --ioengine=nbd --uri="$URI" --thread --rw=randrw \
		--bsrange=4k-256k --iodepth=32 --numjobs=2 --size=64M --time_based \
		--runtime=60 --aux-path="$T" --output=/dev/null >/dev/null 2>&1 &
	victim=$!
	eventually 10 eval '! clients_gone'
	read -rt 0.3 -u "$NAP"
	kill -KILL $victim
	wait $victim 2>/dev/null
	ok "killed client $i leaves nothing behind" eventually 10 clients_gone
done
ok "it still works" load --rw=randwrite --bs=4k --iodepth=32 --size=$((8 / LOAD))M --verify=crc32c

fio --name=last --ioengine=nbd --uri="$URI" --thread --rw=randrw --bs=64k \
	--iodepth=32 --size=64M --time_based --runtime=60 --aux-path="$T" \
	--output=/dev/null >/dev/null 2>&1 &
victim=$!
eventually 10 eval '! clients_gone'
ended "it ends under load"
eventually 20 gone $victim || kill -KILL $victim
wait $victim 2>/dev/null

done_testing
