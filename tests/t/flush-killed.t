#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A server's disk hangs, and the server is killed while it waits for a flush, which
# fails then: the kernel has told a thread that could tell nobody. The next server
# must not tell its clients that all is well.
#
#     tests/lib/extension.py -- enbd-server -- nda -- enbd-server that stops

. "$(dirname "$0")/../lib/enbd.sh"

# ext WORD...: a client of the server on nda
ext()
{
	timeout 60 /usr/bin/python3 "$ENBD_LIB/extension.py" "$port" "$@"
}

hello()
{
	ext hello | cut -d' ' -f2
}

serve_nda()
{
	start_again "$port" "$DEV" --name top
	top=$PID
}

kill_top()
{
	kill -9 "$top"
	wait_for 60 gone "$top"
}

# The server on nda has noted that the kernel is being asked.
asking()
{
	local marks

	marks=$(find "$T/state/export-$signature" -printf '%D %i\n')
	# shellcheck disable=SC2086 # two numbers
	marks=$(printf '/dev/shm/enbd-server-%x-%x' $marks)
	[ -e "$marks" ] || marks=$T/state/export-$signature
	tail -c +1025 "$marks" | tr -d '\0' | grep -q '[1-9]'
}

block=$(printf 'x%.0s' {1..4096})
truncate -s 16M "$T/disk"
start_server "$T/disk"
disk=$PID disk_port=$PORT
need_connect "$URI" -n 2 --dead-timeout 6
start_monitor --max-backoff 1
new_port
port=$PORT

serve_nda
first=$(hello)
signature=$(ext hello | cut -d' ' -f1)
is "$(ext hello go write 0 "$block" flush | wc -l)" 1 "a write and a flush"
ok "killed while nothing is asked" kill_top
serve_nda
is "$(hello)" "$first" "the same verifier"

is "$(ext hello go write 4096 "$block" | wc -l)" 1 "a write"
kill -9 "$disk"
spawn flush timeout 60 /usr/bin/python3 "$ENBD_LIB/extension.py" "$port" hello go flush
ok "a flush hangs" wait_for 5 asking
ok "the server is killed" kill_top
ok "the disk fails" wait_for 20 dev_is "$NAME" failed
start_again "$disk_port" "$T/disk"
ok "it is back" wait_for 30 dev_is "$NAME" up
serve_nda
isnt "$(hello)" "$first" "another verifier"
like "$(cat "$T/enbd-server.log")" "killed while it waited for a disk" "and the log says why"
ok "killed" kill_top
ok "disconnect" disconnect
done_testing
