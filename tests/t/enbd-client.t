#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The command line of the original's client: every form and option of
# enbd-client(8) does what it says, by the name enbd-client.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk" "$T/other"
start_server -o "-i secret --name data" "$T/disk"
named=$PORT
start_server "$T/other"
addr=127.0.0.1:$PORT addr9=127.0.0.1:10809

# client ARGUMENTS...: sets DEV to what it prints; its messages are in $T/err.
client()
{
	DEV=$(within 30 enbd-client "$@" 2>"$T/err")
}

# connected NAME MORE...: with the arguments MORE NAME is the disk that is made.
connected()
{
	local name=$1 what=$2

	shift 2
	ok "$what" client "$@"
	is "$DEV" "/dev/$name" "prints its disk"
	is "$(dev_state "$name")" up "which is up"
	[ ! -s "$T/err" ] || fail "without a word: $(cat "$T/err")"
}

gone_again()
{
	ok "-d $1" enbd-client -d "$1"
	ok "it is gone" no_devices
}

# refused STATUS ERE ARGUMENTS...: one line by its own name, nothing made
refused()
{
	local want=$1 ere=$2

	shift 2
	status "$want" "enbd-client $*: exit $want" client "$@"
	like "$(cat "$T/err")" "^enbd-client: .*$ere" "says why"
	is "$(wc -l <"$T/err")" 1 "in one line"
	is "$DEV" "" "and makes nothing"
}

# ---- where to
connected nda "HOST:PORT" "$addr"
gone_again nda
connected ndc "HOST:PORT DEVICE" "$addr" /dev/ndc
gone_again /dev/ndc
connected ndb "HOST PORT DEVICE" 127.0.0.1 "$PORT" ndb
gone_again ndb
connected nda "HOST PORT" 127.0.0.1 "$PORT"
gone_again nda
connected nda "a URI" "nbd://$addr" /dev/nda
gone_again nda
stop_server "$PID"
start_again 10809 "$T/other"
connected nda "HOST, on NBD's port" 127.0.0.1 /dev/nda
gone_again nda

# ---- how
connected nda "-n" "$addr9" -n 3 /dev/nda
is "$(chan_values state nda)" "live live live" "three channels"
gone_again nda
connected nda "-r" "$addr9" -r
is "$(cat /sys/block/nda/ro)" 1 "cannot be written to"
gone_again nda
connected nda "-t" "$addr9" -t 7
is "$(cat /sys/block/nda/enbd/io_timeout_ms)" 7000 "is the time limit of a channel"
gone_again nda
connected nda "-N" "127.0.0.1:$named" -N data
is "$(cat /sys/block/nda/enbd/export)" data "names the export"
gone_again nda
connected nda "-i with -N" "127.0.0.1:$named" -N data -i secret
gone_again nda
ok "-b" client "$addr9" -b 1024 /dev/nda
like "$(cat "$T/err")" '^enbd-client: note: -b 1024: the block size is settled' \
	"says that it is not needed any more"
is "$(cat /sys/block/nda/queue/logical_block_size)" 512 "and is not obeyed"
gone_again nda
connected nda "options behind the arguments" 127.0.0.1 10809 /dev/nda -n 2 -t 3
is "$(chan_values state nda)" "live live" "are options"
gone_again nda

# ---- not at all
refused 2 'HOST:PORT is missing'
refused 2 '0: not a number' "$addr9" -n 0
refused 2 'soon: not a time' "$addr9" -t soon
refused 2 'big: not a size' "$addr9" -b big
refused 2 'the secret is empty' "$addr9" -i ''
refused 2 '99999: not a port' 127.0.0.1 99999 /dev/nda
refused 2 'one argument too many' 127.0.0.1 10809 /dev/nda more
refused 2 '/dev/sda' "$addr9" /dev/sda
refused 2 'takes a device and nothing else' "$addr9" -d /dev/nda
refused 2 'unrecognized|invalid' "$addr9" -x
refused 3 'efused' 127.0.0.1:20999
refused 4 'nothing' "127.0.0.1:$named" -N nothing
refused 5 'signature' "127.0.0.1:$named" -N data -i public
refused 8 'nda.*not connected' -d nda

# ---- the secret is not to be seen in the list of processes
start_hostile mute
spawn client enbd-client "127.0.0.1:$PORT" -i very-secret /dev/nda
hidden()
{
	local words

	words=$(tr '\0' ' ' <"/proc/$PID/cmdline") &&
		[[ $words == *"-i x"* && $words != *secret* ]]
}
ok "the secret disappears from the command line" wait_for 5 hidden

done_testing
