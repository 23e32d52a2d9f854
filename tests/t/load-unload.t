#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module loads, says its version, makes its netlink family and nothing
# else, and goes away whole, many times over.

. "$(dirname "$0")/../lib/enbd.sh"

# Succeeds when the kernel knows the family; enbdctl needs nothing else.
family_there()
{
	enbdctl status
}

ok "modinfo finds the module" modinfo enbd
like "$(modinfo -F license enbd)" GPL "its licence is the GPL"
like "$(modinfo -F version enbd)" '^[0-9]+\.[0-9]+' "it has a version"
like "$(modinfo -F alias enbd)" 'net-pf-16-proto-16-family-enbd' \
	"the kernel can load it for its netlink family"
ok "loaded" test -d /sys/module/enbd
ok "the family answers" family_there
ok "no device by itself" no_devices
unlike "$(cat /proc/sys/kernel/tainted)" '^$' "the kernel is there"

threads=$(count_threads)
ok "unload" rmmod enbd
is "$(count_threads)" 0 "no thread stays (there were $threads)"

cycle()
{
	local i

	for ((i = 0; i < $(scale 20 5); i++)); do
		modprobe enbd && rmmod enbd || return 1
	done
}
ok "modprobe and rmmod again and again" cycle
ok "load once more" modprobe enbd
ok "the family answers again" family_there

done_testing
