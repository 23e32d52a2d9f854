#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 600
#
# Hundreds of times connect, read and disconnect ("make torture": a thousand), then
# rmmod: no memory, socket or thread stays behind. A leak of one object a cycle would show as a slab
# that grows by the number of cycles; the debug kernel counts nothing freed at
# once, so there kmemleak looks.
# Slow kernels do fewer.

. "$(dirname "$0")/../lib/enbd.sh"

case $ENBD_GUEST in
uml)		cycles=$(long 200 1000) ;;
uml-debug)	cycles=50 ;;
*)		cycles=25 ;;
esac
# Caches settle in the first cycles.
warm=$((cycles / 5 + 5))

truncate -s 4M "$T/disk"
start_server "$T/disk"

cycle()
{
	local i

	for ((i = 0; i < $1; i++)); do
		enbdctl connect "$URI" -n 2 /dev/nda &&
			dd if=/dev/nda of=/dev/null bs=64k count=2 iflag=direct \
				2>/dev/null &&
			enbdctl disconnect /dev/nda || {
			echo "in cycle $i"
			return 1
		}
	done
}

# All slabs that kmalloc, sockets and block devices use. KASAN holds freed
# objects back until their cache is shrunk.
slabs()
{
	local names='^(kmalloc|TCP|UNIX|sock|request|bio|blk|bdev|kernfs|filp|enbd|skbuff|task)'
	local cache

	sync
	echo 3 >/proc/sys/vm/drop_caches
	for cache in $(awk -v n="$names" '$1 ~ n { print $1 }' /proc/slabinfo); do
		[ ! -e "/sys/kernel/slab/$cache/shrink" ] ||
			echo 1 >"/sys/kernel/slab/$cache/shrink"
	done
	awk -v n="$names" '$1 ~ n { print $1, $2 }' /proc/slabinfo | sort
}

settled()
{
	[ "$(count_sockets)" -le "$sockets" ] && [ "$(count_threads)" = "$threads" ]
}

# grown: slabs that have grown by an object a cycle since "before", of those in
# "suspects"
grown()
{
	slabs >"$T/after"
	join "$T/before" "$T/after" | join - "$T/suspects" |
		awk -v c="$cycles" '$3 - $2 >= c * 0.9 { print $1, $2, $3 }'
}

not_grown()
{
	grown >"$T/grown"
	[ ! -s "$T/grown" ]
}

# A leak grows as much each time; what something else happened to keep does not.
leaks_slabs()
{
	local i

	for i in 1 2 3; do
		! wait_for 5 not_grown || return 1
		cat "$T/grown"
		cut -d' ' -f1 "$T/grown" >"$T/suspects"
		[ "$i" = 3 ] || { slabs >"$T/before"; cycle "$cycles" || return 0; }
	done
}

sockets=$(count_sockets)
threads=$(count_threads)
ok "warm up with $warm cycles" cycle $warm
ok "sockets and threads are back" wait_for 10 settled
[ -r /proc/slabinfo ] && slabs >"$T/before" && cut -d' ' -f1 "$T/before" >"$T/suspects"
percpu=$(awk '/^Percpu:/ { print $2 }' /proc/meminfo)
vmalloc=$(awk '/^VmallocUsed:/ { print $2 }' /proc/meminfo)

begin=$SECONDS
ok "$cycles times connect, read, disconnect" cycle $cycles
diag "took $((SECONDS - begin)) s"
ok "sockets and threads are back" wait_for 10 settled ||
	diag "sockets $sockets, $(count_sockets), threads $threads, $(count_threads)"
if [ -r /proc/config.gz ] && zgrep -q CONFIG_KASAN=y /proc/config.gz; then
	skip "slabs" "KASAN keeps freed objects for a while; kmemleak looks for lost ones instead"
elif [ -s "$T/before" ]; then
	nok "no slab grows by an object a cycle" leaks_slabs
else
	skip "slabs" "no /proc/slabinfo in this kernel"
fi
num $(($(awk '/^Percpu:/ { print $2 }' /proc/meminfo) - percpu)) -lt \
	$((cycles / 2 + 64)) "per-CPU memory has not grown"
num $(($(awk '/^VmallocUsed:/ { print $2 }' /proc/meminfo) - vmalloc)) -lt \
	$((cycles * 2 + 256)) "vmalloc has not grown"
ok "rmmod" rmmod enbd
is "$(count_threads)" 0 "no thread is left"
num "$(count_sockets)" -le "$sockets" "no socket is left"

done_testing
