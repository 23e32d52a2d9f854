#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# kernels: uml
# timeout: 120
#
# rmmod with devices whose server says nothing any more. Removing them in order
# waits for it, 20 seconds at most and for all at the same time; then they go by
# force, and with them the module.
#
#     nda, ndb -- proxy (holds everything) -- server

. "$(dirname "$0")/../lib/enbd.sh"

truncate -s 4M "$T/disk"
start_server "$T/disk"
start_proxy "$PORT"
sockets=$(count_sockets)

need_connect "$URI" -n 1
need_connect "$URI" -n 2
ok "the server goes silent" proxy hold all
begin=$(now_ms)
ok "rmmod" within 60 rmmod enbd
ms=$(($(now_ms) - begin))
diag "after $ms ms"
num $ms -ge 15000 "it waited for the server"
num $ms -lt $((20000 + 8000 * SLOW)) "once for all devices"
ok "no device" no_devices
is "$(log_has 'removed, but the last flush failed' | wc -l)" 2 \
	"the log says what was not flushed"
proxy cut all >/dev/null

back()
{
	[ "$(count_sockets)" -le "$sockets" ]
}
ok "their sockets are gone" wait_for 10 back
is "$(count_threads)" 0 "no thread"

done_testing
