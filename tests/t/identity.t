#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A device belongs to one server. Its signature is pinned when the device is
# made, or implanted by the first channel; no channel of another is taken, and
# the device goes on waiting for the right one. Nobody can read it.
#
# What the server has "shown" is what the test tells the driver.

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit memory 16M
start_proxy "$PORT"
load_module

shown()
{
	"$ENBD_LIB/shown.py" "$@"
}

read_it()
{
	dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
}

trace=/sys/kernel/tracing
[ -d $trace/events ] || mount -t tracefs none $trace 2>/dev/null
[ ! -d $trace/events/enbd ] || echo 1 >$trace/events/enbd/enable

# Features: 8 VERIFIER, 4 RESIZE, 16 is not known.
like "$(shown add "$PORT" 8 b 1 pin=a)" '^EKEYREJECTED: .*signature' \
	"pinned, another server: refused"
like "$(shown add "$PORT" 0 - - pin=a)" '^EKEYREJECTED: .*signature' \
	"pinned, a server without one: refused"
like "$(shown add "$PORT" 8 - 1)" '^EINVAL: .*missing' "no signature"
like "$(shown add "$PORT" 8 a -)" '^EINVAL: .*missing' "no verifier"
like "$(shown add "$PORT" 24 a 1)" '^EINVAL: .*features' "a feature not known"
ok "nothing is left of all that" no_devices

is "$(shown add "$PORT" 8 a 1 pin=a)" nda "pinned, the right one"
NAME=nda DEV=/dev/nda
ok "disconnect" disconnect

is "$(shown add "$PORT" 8 a 1)" nda "not pinned: implanted"
ok "the server goes" eval 'proxy refuse && proxy cut all'
ok "parked" wait_for 5 dev_is nda parked
ok "something listens again" proxy accept
note
like "$(shown channel 0 "$PORT" 8 b 1)" '^EKEYREJECTED: .*\[signature\]' \
	"another server is refused"
ok "the log says what differs" log_has 'enbd: nda: .*refused: signature'
is "$(dev_state)" parked "the device waits"
like "$(shown channel 0 "$PORT" 0 - -)" '^EKEYREJECTED: ' \
	"so is one that shows none"
like "$(shown channel 0 "$PORT" 12 a 1)" '^EINVAL: .*features' \
	"and one that can do something else"
like "$(shown channel 0 "$PORT" 8 a -)" '^EINVAL: .*missing' \
	"and one without a verifier"
is "$(dev_state)" parked "the device still waits"
spawn reader dd if="$DEV" of=/dev/null bs=4k count=1 iflag=direct
reader=$PID
ok "the right one" shown channel 0 "$PORT" 8 a 1
is "$(dev_state)" up "up"
ends 10 "$reader"
is $? 0 "what waited is done"
ok "another channel of it" shown channel 0 "$PORT" 8 a 1
like "$(shown channel 0 "$PORT" 8 b 1)" '^EKEYREJECTED: ' \
	"and none of another, though it is up"
ok "reading works" read_it
shown get 0 >"$T/get"
shown channels 0 >>"$T/get"
ok "the attributes tell features" grep -q '^features 8$' "$T/get"
ok "disconnect" disconnect

is "$(shown add "$PORT" 0 - -)" nda "a server without the extension"
like "$(shown channel 0 "$PORT" 8 a 1)" '^EINVAL: .*features' \
	"stays one without it"
ok "another like it" shown channel 0 "$PORT" 0 - -
ok "attributes" shown get 0
is "$(cat /sys/block/nda/enbd/region_size /sys/block/nda/enbd/unflushed | xargs)" \
	"0 0" "without a verifier there is no journal"

# Signatures were "aaaa..." and "bbbb...", verifiers "1111...".
secret='a{16}|b{16}|1{16}|61616161|31313131|62626262|(aa[: ]){8}|(61[: ]){8}'
grep -rEhs "$secret" /sys/block/nda/enbd /sys/block/nda/channel* /sys/module/enbd \
	>>"$T/secrets"
grep -E "$secret" "$T/get" >>"$T/secrets"
kernel_log | grep -E "$secret" >>"$T/secrets"
[ ! -d $trace/events/enbd ] || {
	echo 0 >$trace/events/enbd/enable
	ok "the trace tells of verifiers" grep -q 'enbd_verifier: nda ' $trace/trace
	grep -E "enbd_.*($secret)" $trace/trace >>"$T/secrets"
}
is "$(cat "$T/secrets")" "" "nobody tells signature nor verifier"
ok "disconnect" disconnect

done_testing
