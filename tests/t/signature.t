#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The server's signature: expected by the user at connect, and by the driver
# ever after. A wrong server is exit code 5 and a line that says what was shown.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_server -o "-i secret" "$T/disk"
port=$PORT server=$PID
signature=$(enbdctl probe --json "$URI" |
	/usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["signature"])')
like "$signature" '^[0-9a-f]{64}$' "probe shows the signature"
other=$(printf '%064d' 7)

says()
{
	grep -q -- "$1" "$T/connect.err" || ! cat "$T/connect.err"
}
try()
{
	within 30 enbdctl connect "$@" 2>"$T/connect.err"
}
status 5 "another signature is expected: refused" try "$URI" --signature "$other"
ok "the message says what was shown" says "${signature:0:8}"
ok "and what was expected" says "${other:0:8}"
ok "no device is left" no_devices
for bad in "" 12 "${other}0" "${other:1}x"; do
	status 2 "--signature '$bad' is a mistake" try "$URI" --signature "$bad"
done
ok "the right one is expected: connected" connect "$URI" -n 2 --signature "$signature"
ok "disconnect" disconnect

client()
{
	within 30 enbd-client "$@" 2>"$T/connect.err"
}
status 5 "enbd-client -i with another secret: refused" client "127.0.0.1:$port" -i public
ok "the message says what was shown" says "${signature:0:8}"
ok "enbd-client -i with the secret" client "127.0.0.1:$port" -n 1 -i secret /dev/nda
ok "disconnect" disconnect nda

# A foreign server shows none.
start_nbdkit memory 4M
status 5 "a server without signatures: refused" try "$URI" --signature "$signature"
ok "the message says so" says "shows no signature"

# First contact: whoever it was has to be it from then on.
need_connect "nbd://127.0.0.1:$port" -n 2
stop_server "$server"
ok "the server is gone" wait_for 10 dev_is "$NAME" parked
start_again "$port" -i public "$T/disk"
wrong=$PID
add()
{
	within 30 enbdctl channel add "$DEV" 2>"$T/connect.err"
}
status 5 "a server with another secret: refused" add
ok "the message says that another is expected" says "the device expects another"
nok "and does not say which" grep -q "${signature:0:8}" "$T/connect.err"
ok "the device goes on waiting" dev_is "$NAME" parked
start_monitor --max-backoff 1
told()
{
	grep -q "the device expects another" "$T/monitor.log"
}
ok "the monitor says so, too" wait_for 10 told
read -rt 3 -u "$NAP"
is "$(grep -c "the device expects another" "$T/monitor.log")" 1 "once"
ok "the device goes on waiting" dev_is "$NAME" parked
stop_server "$wrong"
start_again "$port" -i secret "$T/disk"
ok "the right server comes: the device is up" wait_for 15 dev_is "$NAME" up
ok "disconnect" disconnect

done_testing
