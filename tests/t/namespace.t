#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The driver is reached from the machine's first network namespace only. From
# another one enbdctl says that, and not that there is no module.

. "$(dirname "$0")/../lib/enbd.sh"

ip netns add enbd-other 2>"$T/ns.log" ||
	skip_all "no network namespaces: $(cat "$T/ns.log")"
load_module
there()
{
	ip netns exec enbd-other enbdctl "$@" 2>"$T/err"
}
status 7 "status in another namespace fails" there status
like "$(cat "$T/err")" "network namespace" "the message says why"
unlike "$(cat "$T/err")" "not loaded" "and nothing else"
ok "here it succeeds" enbdctl status

done_testing
