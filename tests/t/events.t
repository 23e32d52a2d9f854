#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The multicast group "events" tells of every device and channel by number and
# name what happened to it, in the order it happened.

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_nbdkit file "$T/disk"
start_proxy "$PORT"

cat >"$T/listen.py" <<'END'
import sys

sys.path.insert(0, sys.argv[1])
from nl import Family

f = Family()
f.join()
print('listening', flush=True)
while True:
    op, a = f.event(None)
    # A word for who it is, then what.
    who = '%s(%s)' % (a.get('name') or a.get('device-name'),
                      a['index'] if op == 'device-ntf' else a['device-index'])
    if op == 'channel-ntf':
        who += '.%d' % a['index']
    print(who, a.get('event'), a.get('state', '-'), a.get('size', '-'),
          a.get('reason', ''), flush=True)
END
spawn events /usr/bin/python3 "$T/listen.py" "$ENBD_LIB"
heard()
{
	grep -qE "$1" "$T/events.log"
}
wait_for 10 heard listening || die "the listener starts" "$(cat "$T/events.log")"

need_connect "$URI" -n 2 /dev/ndb --dead-timeout 1
ok "device-add" wait_for 5 heard '^ndb\(1\) device-add'

ok "cut channel 0" proxy cut "$(chan_port 0)"
ok "channel-lost, with a reason" \
	wait_for 5 heard '^ndb\(1\)\.0 channel-lost lost - .+'
ok "a new channel" enbdctl channel add "$DEV"
ok "channel-up" wait_for 5 heard '^ndb\(1\)\.0 channel-up live'
ok "channel del" enbdctl channel del "$DEV" 0
ok "channel-del" wait_for 5 heard '^ndb\(1\)\.0 channel-del'
truncate -s 8M "$T/disk"
ok "resize" enbdctl resize "$DEV"
ok "device-resize with the new size" \
	wait_for 5 heard "^ndb\(1\) device-resize [a-z]+ $((8 << 20))"
ok "refuse and cut all" eval 'proxy refuse && proxy cut all'
ok "device-state parked" wait_for 5 heard '^ndb\(1\) device-state parked'
ok "then failed" wait_for 10 heard '^ndb\(1\) device-state failed'
ok "the server is back" proxy accept
ok "a new channel" enbdctl channel add "$DEV"
ok "device-state up" wait_for 5 heard '^ndb\(1\) device-state up'
ok "disconnect" disconnect
ok "device-del" wait_for 5 heard '^ndb\(1\) device-del'
like "$(grep -oE 'device-[a-z]+ ?(up|parked|failed)?' "$T/events.log" | xargs)" \
	'^device-add.*device-resize.*parked device-state failed device-state up.*device-del' \
	"in the order it happened"
[ $TAP_FAILED = 0 ] || diag "$(cat "$T/events.log")"

done_testing
