#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Devices by their names in enbd.conf: up and down, which may be said twice, and
# a wrong configuration, with which nothing is done.

. "$(dirname "$0")/../lib/enbd.sh"

conf=$T/enbd.conf
truncate -s 8M "$T/a" "$T/b"
start_server "$T/a"
uri_a=$URI pid_a=$PID
start_server "$T/b"
uri_b=$URI

cat >"$conf" <<-END
	[device one]
	uri = $uri_a
	device = ndc
	channels = 2
	dead-timeout = 5
	[device two]
	uri = $uri_b
	read-only = yes
END

# ctl VERB ARGUMENTS...: status in RC, output in OUT, message in ERR.
ctl()
{
	OUT=$(within 30 enbdctl "$@" 2>"$T/err")
	RC=$?
	ERR=$(cat "$T/err")
}

ctl check-config "$conf"
is "$RC:$OUT$ERR" "0:" "a right file is right, without a word"

ctl up -c "$conf" one
is "$RC:$OUT" "0:/dev/ndc" "up"
is "$(field 'len(ch)' ndc)" 2 "with its channels"
is "$(field 'dev["dead_timeout_ms"]' ndc)" 5000 "and its times"
ctl up -c "$conf" one
is "$RC:$OUT" "0:/dev/ndc" "up again: it is there"
is "$(field 'len(s["devices"])' "")" 1 "and the only one"

printf '[device one]\nuri = nbd://127.0.0.1:1\nuri = %s\n' "$uri_a" >"$T/order"
ctl up -c "$T/order" one
is "$RC:$OUT" "0:/dev/ndc" "up with its addresses in another order: it is there"

ctl up -c "$conf" --all
is "$RC:$OUT" "0:/dev/ndc"$'\n'"/dev/nda" "up --all: the other one too"
is "$(cat /sys/block/nda/ro)" 1 "read-only as it was asked for"

ctl down -c "$conf" one
is "$RC:$OUT$ERR" "0:" "down"
ok "it is gone" test ! -e /sys/block/ndc
ctl down -c "$conf" one
is "$RC:$OUT$ERR" "0:" "down again: it was down"

# A device that is being removed is not one that is there.
ctl up -c "$conf" one
kill -STOP "$pid_a"
spawn removal enbdctl disconnect ndc
removal=$PID
ok "a removal waits for the server" wait_for 10 dev_is ndc deleting
ctl up -c "$conf" one
is "$RC:$OUT" "6:" "up meanwhile"
like "$ERR" "one: /dev/ndc is being removed.*try again" "it says so"
printf '[device other]\nuri = nbd://127.0.0.1:1/x\ndevice = ndc\n' >"$T/other"
ctl up -c "$T/other" other
is "$RC:$OUT" "6:" "up of another one by that name"
like "$ERR" "other: /dev/ndc is being removed.*try again" "it says so"
spawn up enbdctl up -c "$conf" one
read -rt 1 -u "$NAP"
kill -CONT "$pid_a"
ends 10 "$PID"
is "$?:$(cat "$T/up.log")" "0:/dev/ndc" "up while it goes: it waits and connects anew"
ends 10 "$removal"
is "$?:$(dev_state ndc)" "0:up" "it is there to stay"
ctl down -c "$conf" one
is "$RC" 0 "down"

# Two of the same export, at two addresses: the first goes, the second stays.
start_nbdkit memory 8M
printf '[device pair]\nuri = %s\nuri = %s\n' "$uri_a" "$URI" >"$T/pair"
enbdctl connect "$uri_a" nde >/dev/null
kill -STOP "$pid_a"
spawn removal enbdctl disconnect nde
ok "a removal waits for the server" wait_for 10 dev_is nde deleting
enbdctl connect "$URI" ndf >/dev/null
ctl up -c "$T/pair" pair
is "$RC:$OUT" "0:/dev/ndf" "up: the one that stays is found behind the one that goes"
ctl down -c "$T/pair" pair
is "$RC:$(dev_state nde)" "0:deleting" "and is what down takes"
ok "it is gone" test ! -e /sys/block/ndf
kill -CONT "$pid_a"
ends 10 "$PID"
is $? 0 "the first has gone"

enbdctl connect "$uri_a" ndd >/dev/null
ctl up -c "$conf" one
is "$RC" 6 "the export is connected by hand under another name"
like "$ERR" "ndd.*not /dev/ndc" "it says so"
enbdctl disconnect ndd

stop_server "$pid_a"
ctl down -c "$conf" --all
is "$RC" 0 "down --all"
ok "all gone" no_devices
ctl up -c "$conf" --all
is "$RC:$OUT" "3:/dev/nda" "up --all without one of the servers: the other is there"
ctl down -c "$conf" --all --force
ok "all gone again" no_devices

# A network card that is missing is missing for its device only.
{ cat "$conf"; printf '[device three]\nuri = %s/x\nbind = nocard0\n' "$uri_b"; } >"$T/card"
ctl check-config "$T/card"
is "$RC" 0 "a missing card: the file is right"
like "$ERR" "three: bind: there is no interface nocard0 now" "a missing card: it is named"
ctl up -c "$T/card" two
is "$RC:$OUT" "0:/dev/nda" "a missing card: other devices come up"
ctl up -c "$T/card" three
is "$RC" 3 "a missing card: its device may be tried again"
like "$ERR" "nocard0: No such device" "a missing card: it says why"
ctl down -c "$T/card" two

# wrong WHAT PATTERN: the file in $T/wrong is refused by every verb.
wrong()
{
	local verb

	for verb in "check-config" "up --all -c" "up two -c" "down --all -c"; do
		# shellcheck disable=SC2086
		ctl $verb "$T/wrong"
		is "$RC:$OUT" "2:" "$1: ${verb%% *} refuses"
		like "$ERR" "^enbdctl: $T/wrong:$2" "$1: it names file, line and remedy"
	done
	ok "$1: nothing was done" no_devices
}

{ cat "$conf"; echo "chanels = 4"; } >"$T/wrong"
wrong "unknown key" '9: chanels: unknown key; enbd.conf\(5\)'
{ cat "$conf"; printf '[device one]\nuri = %s\n' "$uri_b"; } >"$T/wrong"
wrong "duplicate section" '9: one: is in line 1 already; give'
{ cat "$conf"; printf '[device three]\nuri = nbd://h/x\ndevice = ndc\n'; } >"$T/wrong"
wrong "duplicate device" '9: three: /dev/ndc is of the section in line 1 already; choose'
{ cat "$conf"; printf '[device three]\nuri = nbd://h/\nuri = %s\n' "$uri_b"; } >"$T/wrong"
wrong "an export twice, by another address" '9: three: its export is in the section of line 6'
{ cat "$conf"; printf '[device three]\nuri = nbd://h/x\nuri = nbd://h/y\n'; } >"$T/wrong"
wrong "addresses of two exports" '11: uri: nbd://h/y: another export than that of nbd://h/x'
{ cat "$conf"; printf '[device three]\nchannels = 2\n'; } >"$T/wrong"
wrong "missing server" '9: three: has no server; add uri'
{ cat "$conf"; echo "io-timeout = soon"; } >"$T/wrong"
wrong "bad value" '9: io-timeout: not a time in seconds, such as'

ctl up -c "$conf" nobody
is "$RC" 2 "a name that is not in it"
like "$ERR" "nobody: no \[device nobody\] in $conf; add it" "it says so"
ctl up -c "$T/nothing" one
is "$RC" 2 "a file that is not there"
done_testing
