#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# enbdctl probe and list-exports tell what a server offers, as text and as
# JSON, without making a device.

. "$(dirname "$0")/../lib/enbd.sh"

json()
{
	/usr/bin/python3 -S -E -c 'import json, sys
s = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}

mkdir "$T/d"
truncate -s 3M "$T/d/one"
truncate -s 5M "$T/d/two"
start_nbdkit --filter=blocksize-policy file dir="$T/d" blocksize-minimum=4096 \
	blocksize-preferred=64k blocksize-maximum=1M
like "$(enbdctl list-exports "$URI")" 'one' "list-exports"
like "$(enbdctl list-exports "$URI")" 'two' "names them all"
like "$(enbdctl list-exports "$URI" --json | tee "$T/list")" '"two"' "as JSON"
ok "which is well formed" json s <"$T/list"
like "$(enbdctl probe "$URI/two")" '5242880|5 ?M' "probe tells the size"
ok "probe --json" sh -c "enbdctl probe $URI/two --json >$T/probe"
is "$(json 's["size"]' <"$T/probe")" $((5 << 20)) "size in JSON"
diag "$(tr -d '\n' <"$T/probe")"
ok "no device was made" no_devices

done_testing
