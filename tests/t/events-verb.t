#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl events: a line for each thing that happens, as it happens, as text
# and as JSON.

. "$(dirname "$0")/../lib/enbd.sh"

start_nbdkit memory 8M
modprobe enbd
spawn text enbdctl events
spawn json enbdctl events --json
json=$PID

# A device that comes and goes until both listeners have begun to hear.
hear()
{
	enbdctl connect "$URI" ndz >/dev/null && enbdctl disconnect ndz &&
		[ -s "$T/text.log" ] && [ -s "$T/json.log" ]
}
ok "the listeners hear" wait_for 20 hear

need_connect "$URI" /dev/nda -n 2
ok "resize" enbdctl resize "$DEV" 4M
ok "channel del" enbdctl channel del "$DEV" 0
ok "disconnect" disconnect

ok "the last event has come" wait_for 10 grep -q '^nda: device-del' "$T/text.log"
ok "in JSON, too" wait_for 10 grep -q '"device-del","name":"nda"' "$T/json.log"
like "$(cat "$T/text.log")" 'nda: device-add: up, 8388608 bytes' "device-add"
like "$(cat "$T/text.log")" 'nda: device-resize: up, 4194304 bytes' "device-resize"
like "$(cat "$T/text.log")" 'nda channel 0: channel-del: lost' "channel-del"
ok "every line of JSON is an object" /usr/bin/python3 -S -E -c '
import json, sys
seen = [json.loads(line) for line in open(sys.argv[1])]
assert {"device-add", "device-resize", "channel-del", "device-del"} <= \
    {e["event"] for e in seen}
assert all(e["name"] in ("nda", "ndz") and "state" in e for e in seen)
' "$T/json.log"

# Nothing would ever be heard any more.
ok "the module is removed" wait_for 10 rmmod enbd
for name in text json; do
	wait_for 10 grep -q "the module enbd was removed" "$T/$name.log"
	is $? 0 "the listeners end and say why ($name)"
done
ends 10 "$json"
is $? 7 "with the exit code of the kernel"

done_testing
