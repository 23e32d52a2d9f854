#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# What a client of the extension is told over the server's lives: a restart is
# invisible, of the host too if the server had ended in order; a crash of the host,
# another file and a changed one are not.
. "$(dirname "$0")/../lib/server.sh"

ext()
{
	timeout 60 /usr/bin/python3 "$SERVER_TREE/tests/lib/extension.py" "$PORT" "$@"
}

# hello: SIGNATURE and VERIFIER as this server tells them
hello()
{
	read -r SIGNATURE VERIFIER FEATURES < <(ext hello)
}

# stop SIGNAL: the server is gone
stop()
{
	kill -"$1" "$PID"
	eventually 30 gone "$PID" || die "the server ends on SIG$1"
	wait "$PID" 2>/dev/null
}

truncate -s 8M "$T/disk"
echo one >"$T/boot"
serving=("$T/disk" --name export --boot-id-file "$T/boot")
serve 0 "${serving[@]}"
is "$(ext bind x 0 1)" "error 3" "no BIND before HELLO"
hello
signature=$SIGNATURE verifier=$VERIFIER
is "$FEATURES" 15 "all features are granted"
is "$(enbd-server 0 "${serving[@]}" --print-signature)" "$signature  export" \
	"--print-signature prints what clients are told"
is "$(stat -c %a "$T/state" "$T/state/secret" "$T/state/export-$signature" | xargs)" "700 600 600" \
	"nobody else reads the state"

stop TERM
serve 0 "${serving[@]}"
hello
is "$SIGNATURE $VERIFIER" "$signature $verifier" "SIGTERM and a new server: the same"
is "$(ext hello bind x 0 1 go write 0 data keepalive)" "$SIGNATURE $VERIFIER 15
8388608" "a write"
stop KILL
serve 0 "${serving[@]}"
hello
is "$SIGNATURE $VERIFIER" "$signature $verifier" "kill -9 after a write, and a new server: the same"
is "$(head -c 4 "$T/disk")" data "and the write is there"
for i in 1 2 3 4 5; do
	ext hello bind x 0 1 go write "$i" data >/dev/null
	stop KILL
	serve 0 "${serving[@]}"
done
hello
is "$VERIFIER" "$verifier" "five times"

stop KILL
echo two >"$T/boot"
serve 0 "${serving[@]}"
hello
is "$SIGNATURE" "$signature" "the host was restarted: the same signature"
isnt "$VERIFIER" "$verifier" "another verifier"
like "$(cat "$LOG")" "restarted before its last server had ended in order" "and the log says why"
verifier=$VERIFIER

ext hello bind x 0 1 go write 0 data >/dev/null
stop TERM
echo three >"$T/boot"
serve 0 "${serving[@]}"
hello
is "$SIGNATURE $VERIFIER" "$signature $verifier" "the host was restarted in order: the same"
stop TERM
echo four >"$T/boot"
echo changed | dd of="$T/disk" conv=notrunc status=none
serve 0 "${serving[@]}"
hello
isnt "$VERIFIER" "$verifier" "the file was changed by another on the way: another verifier"
verifier=$VERIFIER

stop TERM
cp "$T/disk" "$T/copy"
mv "$T/copy" "$T/disk"
serve 0 "${serving[@]}"
hello
isnt "$VERIFIER" "$verifier" "a copy in place of the file: another verifier"
verifier=$VERIFIER
stop TERM
echo changed | dd of="$T/disk" conv=notrunc status=none
serve 0 "${serving[@]}"
hello
isnt "$VERIFIER" "$verifier" "the file was changed meanwhile: another verifier"
like "$(cat "$LOG")" "were changed while this server did not serve them" "and the log says why"

# sessions
ok "a session of two channels" ext hello bind x 0 1 go reconnect hello bind x 1 1 go \
	on 1 fence 0 1 on 0 eof
ok "the log says who was fenced" eventually 5 grep -q "channel 0 was fenced" "$LOG"
is "$(ext hello bind x 0 1 | tail -n 1)" "error 2" "its incarnation is over"
is "$(ext hello bind x 0 2 fence 1 7 go fence 0 2 | tail -n +2)" "error 22" \
	"nobody fences itself"
is "$(ext hello bind x 1 7 bind x 1 8 | tail -n +2)" "error 2" "what was fenced before it was seen"

# growth
is "$(ext hello go keepalive | tail -n 1)" 8388608 "the size"
truncate -s 9M "$T/disk"
grown()
{
	[ "$(ext hello go keepalive | tail -n 1)" = 9437184 ]
}
ok "it grows with the file" eventually 10 grown
is "$(ext hello go write 9437180 tail keepalive | tail -n 1)" 9437184 "and is served to its end"
is "$(tail -c 4 "$T/disk")" tail "in the file"


# growth, by somebody else, while nothing is written
stop TERM
serve 0 "${serving[@]}"
hello
verifier=$VERIFIER
truncate -s 10M "$T/disk"
# recorded_since FILE: was changed
recorded_since()
{
	find "$T/state" -name 'export-*' -newer "$1" | grep -q .
}
regrown()
{
	[ "$(ext hello go keepalive | tail -n 1)" = 10485760 ]
}
ok "it grows again" eventually 10 regrown
ok "and writes that down" eventually 10 recorded_since "$T/disk"
stop KILL
serve 0 "${serving[@]}"
hello
is "$VERIFIER" "$verifier" "that the server has seen is no change by another"

# SIGTERM with clients
exec {TO}> >(ext hello bind x 2 1 go wait flush eof >"$T/client" 2>&1)
client=$!
eventually 20 grep -q ready "$T/client"
ended "SIGTERM with a client: the server ends"
echo >&$TO
exec {TO}>&-
ok "so does the client" eventually 20 gone "$client"

# without a place to remember anything
serve 0 "${serving[@]}" --state-dir - -i secret
hello
is "$FEATURES" 7 "without a state directory there is no verifier"
is "$VERIFIER" "$(printf '0%.0s' {1..64})" "it is zero"
is "$SIGNATURE" "$(/usr/bin/python3 -c 'import hmac
print(hmac.new(b"secret", b"enbd signature v1\0export", "sha256").hexdigest())')" \
	"the signature is what the protocol says"
done_testing
