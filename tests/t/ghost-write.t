#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The ghost write. A write is on its way over one channel when that channel dies;
# it is done over another; newer data are written to the same block; then the
# first copy comes to the server after all.
#
#            .-- channel A -- ghost-proxy -- keeps "old" back, later delivers it
#     disk --+                    |
#            '-- channel B -------'--- enbd-server
#
# The kernel's own nbd gets the old data back, which shows that the test can see
# it. ENBD never does.
# timeout: 180

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/ghost.sh"
. "$(dirname "$0")/../lib/net.sh"

truncate -s 4M "$T/disk"
start_server -o "--name data" "$T/disk"
start_ghost "$PORT"
uri=nbd://127.0.0.1:$PORT/data

for what in old new; do
	yes "$what" | head -c 4096 >"$T/$what"
done

# put WHAT, content: one block of the disk
put()
{
	dd if="$T/$1" of="$DEV" bs=4k count=1 oflag=direct status=none
}

content()
{
	dd if="$DEV" bs=4k count=1 iflag=direct status=none | head -n 1
}

# ---- the control: nbd.ko

attached()
{
	[ "$(blockdev --getsize64 $DEV)" = $((4 << 20)) ]
}

nbd_ko()
{
	DEV=/dev/nbd0
	ok "nbd.ko: attach" nbd-client 127.0.0.1 "$PORT" $DEV -N data -C 2 -t 1
	ok "nbd.ko: the disk is there" wait_for 5 attached
	ok "nbd.ko: a write is caught" catch_write write put old
	ok "nbd.ko: its channel is reset" ghost cut "$HELD" rst
	ends 20 "$FIRST"
	is $? 0 "nbd.ko: the write is done over the other"
	ok "nbd.ko: newer data" put new
	is "$(content)" new "nbd.ko: are there"
	ok "nbd.ko: the first write comes to the server" let_go "$HELD"
	is "$(content)" old "nbd.ko: and the old data are back"
	nbd-client -d $DEV >/dev/null 2>&1
}

if ! command -v nbd-client >/dev/null || ! { [ -b /dev/nbd0 ] || modprobe nbd; }; then
	skip "nbd.ko" "no nbd in this kernel"
else
	trap 'nbd-client -d /dev/nbd0 >/dev/null 2>&1; clean_up; rm -f "$TAP_OUT"' EXIT
	nbd_ko
fi

# ---- enbd

# attach OPTIONS...: two channels
attach()
{
	put_zero
	need_connect "$uri" -n 2 "$@"
}

put_zero()
{
	dd if=/dev/zero of="$T/disk" bs=4k count=1 conv=notrunc status=none
}

# die_so rst|fin|silent: the channel HELD. Silence is the network's: the proxy
# would still acknowledge what it gets, and whoever does that lives.
die_so()
{
	case $1 in
	silent)	silence "$HELD" ;;
	*)	ghost cut "$HELD" "$1" ;;
	esac
}

# one_dies HOW CUT: a channel dies, the other one lives.
one_dies()
{
	local what="$1, $2"

	ok "$what: a write is caught" catch_write "$1" put old
	ok "$what: its channel dies" die_so "$2"
	ends 20 "$FIRST"
	is $? 0 "$what: the write is done over the other"
	ok "$what: newer data" put new
	ok "$what: the first write comes to the server" let_go "$HELD"
	diag "the proxy: $RELEASED"
	is "$(content)" new "$what: the newer data stay"
	ok "$what: a new channel" enbdctl channel add "$DEV"
}

# all_die HOW CUT: both do; the fence comes with the next connection.
all_die()
{
	local what="all, $1, $2"

	ok "$what: a write is caught" catch_write "$1" put old
	ok "$what: nobody listens" ghost refuse
	ok "$what: all channels die" ghost cut all "$2"
	ok "$what: parked" wait_for 10 dev_is "$NAME" parked
	ok "$what: somebody listens" ghost accept
	ok "$what: a new channel" enbdctl channel add "$DEV" -n 2
	ends 20 "$FIRST"
	is $? 0 "$what: the write is done over it"
	ok "$what: newer data" put new
	ok "$what: the first write comes to the server" let_go "$HELD"
	diag "the proxy: $RELEASED"
	is "$(content)" new "$what: the newer data stay"
	ghost drop all >/dev/null
	enbdctl disconnect --force "$DEV"
	attach
}

attach
is "$(field 'dev["fencing"]')" server "status says that lost channels are fenced"
for round in $(seq "$(scale 6 2)"); do
	diag "round $round"
	for how in write middle; do
		one_dies $how rst
		one_dies $how fin
	done
done
for how in write middle; do
	all_die $how rst
	all_die $how fin
done
ok "disconnect" disconnect

# Silence, noticed by the keep-alive, or by the I/O timeout if what was sent had
# been acknowledged by the proxy and nothing else is to be sent.
attach --keepalive 0.5 --io-timeout 5
for how in write middle; do
	begin=$(now_ms)
	one_dies $how silent
	diag "$(($(now_ms) - begin)) ms"
	unsilence
done
ok "disconnect" disconnect

done_testing
