#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# What a client is told before it reads a byte, as nbdinfo shows it.
. "$(dirname "$0")/../lib/server.sh"
needs nbdinfo

# json KEY [URI]: a field of the first export
json()
{
	nbdinfo --json "${2:-$URI}" |
		/usr/bin/python3 -c 'import json, sys
print(json.load(sys.stdin)["exports"][0].get(sys.argv[1]))' "$1"
}

truncate -s 5000001 "$T/odd"
truncate -s 3T "$T/large"

serve 0 "$T/odd"
is "$(nbdinfo --size "$URI")" 5000001 "size is exact"
like "$(nbdinfo "$URI")" "newstyle-fixed without TLS, using structured" "protocol"
is "$(json is_read_only)" False "not read-only"
for can in flush fua multi_conn trim zero fast_zero cache df; do
	is "$(json can_$can)" True "can $can"
done
is "$(json block_size_minimum)" 1 "least block"
is "$(json block_size_maximum)" $((32 << 20)) "largest block"
num "$(json block_size_preferred)" -ge 4096 "best block"
nok "an unknown export is refused" nbdinfo "$URI/nothing"
like "$(nbdinfo --list "$URI")" 'export="":' "the list has the export without a name"
ended "it ends on SIGTERM"

serve 0 "$T/large" -r --name big
is "$(nbdinfo --size "$URI/big")" $((3 << 40)) "3 TiB by name"
is "$(nbdinfo --size "$URI")" $((3 << 40)) "and without"
is "$(json is_read_only "$URI/big")" True "read-only"
is "$(json can_trim "$URI/big")" False "so nothing to trim"
ended "it ends on SIGTERM"

truncate -s 100K "$T/a" "$T/b" "$T/c"
cat >"$T/conf" <<END
[server]
port = 0
unix = $T/socket
[export linear]
file = $T/a
description = All the a
[export stripe]
file = $T/b
file = $T/c
stripe = 64k
read-only = yes
END
serve -c "$T/conf"
is "$(nbdinfo --size "$URI/linear")" 102400 "an export of the configuration"
is "$(nbdinfo --size "$URI/stripe")" 131072 "whole stripes only"
is "$(nbdinfo --size "nbd+unix:///stripe?socket=$T/socket")" 131072 "over the Unix socket"
list=$(nbdinfo --list "$URI")
like "$list" 'export="linear":' "the list has one"
like "$list" 'description: All the a' "with its description"
like "$list" 'export="stripe":' "and the other"
ended "it ends on SIGTERM"
nok "the Unix socket is gone" test -e "$T/socket"

if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
	serve 0 "$T/a" -b ::1
	is "$(nbdinfo --size "nbd://[::1]:$PORT")" 102400 "IPv6"
	is "$(nbdinfo --size "$URI")" 102400 "and IPv4 on the same port"
	ended "it ends on SIGTERM"
else
	skip "IPv6" "this machine has none"
fi

done_testing
