#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server that goes silent while the driver reads the partitions for connect, or
# flushes for disconnect, and that nobody declares dead: connect, disconnect and
# --force end all the same, and enbdctl can be killed in them. What may not be
# given up goes on without them, until somebody uses force. rmmod-connected.t has
# what rmmod does about it.
#
#     nda   connect is left alone: it ends after 20 seconds
#     ndb   disconnect is left alone: it ends after 20 seconds
#     ndc   in connect: disconnect, rmmod, kill, disconnect, force
#     ndd   in connect: force
#     nde   in disconnect: kill, disconnect, force

. "$(dirname "$0")/../lib/enbd.sh"

start_hostile silence flush-silence --at 0 --times -1
hostile silence
reads=$URI
hostile flush-silence
flushes=$URI

# owes NAME: the server has something to answer. By netlink, since the disk shows
# no channels before its partitions are read.
owes()
{
	[ "$(field 'sum(c["pending"] for c in ch)' "/dev/$1")" -ge 1 ]
}

# begin_connect NAME: in the background, up to where nothing goes on. Sets PID.
begin_connect()
{
	spawn "connect-$1" enbdctl connect "$reads" "$1" --io-timeout 0
	ok "$1: connect waits for the server" wait_for 10 owes "$1"
}

begin_disconnect()
{
	need_connect "$flushes" "$1" --io-timeout 0
	spawn "disconnect-$1" enbdctl disconnect "$1"
	ok "$1: disconnect waits for the server" wait_for 10 owes "$1"
}

force()
{
	within 5 enbdctl disconnect --force "$1"
}

away()
{
	[ ! -e "/sys/block/$1" ]
}

# killed NAME PID
killed()
{
	kill -9 "$2"
	ends 5 "$2"
	is $? 137 "$1"
} 2>/dev/null

begin_connect nda
nda=$PID
begin_disconnect ndb
ndb=$PID

begin_connect ndc
ndc=$PID
status 6 "ndc: disconnect is refused" within 10 enbdctl disconnect ndc
status 1 "so is rmmod" within 5 rmmod enbd
killed "connect can be killed" "$ndc"
nok "the device stays" away ndc
status 6 "disconnect is refused" within 10 enbdctl disconnect ndc
ok "but force is not" force ndc
ok "it is gone" wait_for 5 away ndc

begin_connect ndd
ndd=$PID
ok "ndd: force" force ndd
ends 10 "$ndd"
isnt $? 124 "connect ends"
ok "it is gone" wait_for 5 away ndd

begin_disconnect nde
killed "disconnect can be killed" "$PID"
nok "the device stays" away nde
spawn again enbdctl disconnect nde
again=$PID
read -rt 0.3 -u "$NAP"
nok "another one waits, too" gone "$again"
ok "force" force nde
ends 5 "$again"
is $? 0 "which ends that"
ok "it is gone" wait_for 5 away nde

ends 30 "$nda"
is $? 0 "nda: connect ends"
ok "the device is there" test -b /dev/nda
ends 30 "$ndb"
is $? 1 "ndb: disconnect ends"
like "$(cat "$T/disconnect-ndb.log")" 'waits for the server, force ends that' "and says so"
ok "force" force ndb
ok "force" force nda
ok "no device is left" wait_for 5 no_devices

done_testing
