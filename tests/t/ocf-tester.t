#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# timeout: 240
#
# The agents keep the rules of resource agents: ocf-tester, of the package
# resource-agents, calls each action in every state. No cluster runs; its tools
# work on a CIB in a file.

. "$(dirname "$0")/../lib/enbd.sh"

. "$ENBD_LIB/cib.sh"

for c in ocf-tester xmllint crm_attribute mdadm; do
	command -v "$c" >/dev/null || skip_all "$c is not installed"
done
make -s -C "$ENBD_TREE" install-ocf || die "make install-ocf"
agents=/usr/lib/ocf/resource.d/enbd

# As with other agents, ocf-tester wants nothing on stderr of good actions.
tester()
{
	local agent=$1

	shift
	ok "ocf:enbd:$agent" within 200 ocf-tester -n "$agent" "$@" "$agents/$agent"
}

truncate -s 16M "$T/disk"
new_port
tester server -o "files=$T/disk" -o "port=$PORT" -o name=data

start_server "$T/disk" --name data
tester client -o "uri=$URI/data" -o device=/dev/nda -o channels=2
stop_server "$PID"

truncate -s 32M "$T/leg"
leg=$(losetup -f --show "$T/leg")
mdadm --create /dev/md/setup --run --level=1 --raid-devices=2 \
	--bitmap=internal --bitmap-chunk=64K --metadata=1.2 "$leg" missing \
	>"$T/create.log" 2>&1 || die "mdadm --create" "$(cat "$T/create.log")"
[ -b /dev/md/setup ] || die "mdadm makes no link: is there a /run/udev without udevd?"
mdadm --stop /dev/md/setup 2>/dev/null
# Alone it is promoted only as the one that went on alone.
make_cib "$(uname -n)" beta
crm_attribute -N "$(uname -n)" -l forever -n enbd-data-generation -v 1
new_port
tester mirror -o "leg=$leg" -o "port=$PORT" -o name=data \
	-o "addresses=$(uname -n)=127.0.0.1 beta=127.0.0.2"
is "$(losetup -j "$T/leg" | wc -l)" 1 "its leg is there"
ok "and nobody holds it" losetup -d "$leg"

# Level 10 finds a server that is there and says nothing.
run()
{
	local agent=$1 action=$2

	shift 2
	env OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE="t-$agent" \
		OCF_RESKEY_CRM_meta_interval=10000 OCF_RESKEY_CRM_meta_timeout=10000 \
		OCF_RESKEY_files="$T/disk" OCF_RESKEY_port="$port" OCF_RESKEY_name=data \
		OCF_RESKEY_uri="nbd://127.0.0.1:$port/data" OCF_RESKEY_device=nda \
		"$@" "$agents/$agent" "$action"
}
new_port
port=$PORT
status 0 "a server" run server start
status 0 "is running" run server monitor
status 0 "and answers" run server monitor OCF_CHECK_LEVEL=10
status 0 "a client" run client start
status 0 "is running" run client monitor
status 0 "and reads" run client monitor OCF_CHECK_LEVEL=10
pid=$(cat /run/resource-agents/enbd-server-t-server.pid)
freeze "$pid"
status 0 "a server that says nothing is running" run server monitor
status 1 "but does not answer" run server monitor OCF_CHECK_LEVEL=10
status 0 "its client is running" run client monitor
status 1 "but does not read" run client monitor OCF_CHECK_LEVEL=10
kill -KILL "$pid"
status 7 "a server that was killed is not running" run server monitor
ok "its client's device is parked" wait_for 10 dev_is nda parked
status 0 "a client that waits for its server is running" \
	run client monitor OCF_CHECK_LEVEL=10
ok "the wait ends" enbdctl set --dead-timeout 0.01 nda
ok "the device failed" wait_for 5 dev_is nda failed
status 1 "and so did the client" run client monitor
status 0 "which is stopped all the same" run client stop
status 7 "it is gone" run client monitor

# What is wrong in the configuration is said in one line.
status 6 "no port" run server validate-all OCF_RESKEY_port=none
status 6 "files and config" run server validate-all OCF_RESKEY_config=/etc/fstab
status 6 "no such name of a device" run client validate-all OCF_RESKEY_device=sda
status 5 "no such file" run server validate-all OCF_RESKEY_files=/none
like "$(cat "$TAP_OUT")" '/none does not exist' "is named"
status 6 "addresses without this node" run mirror validate-all OCF_RESKEY_leg="$T/disk" \
	OCF_RESKEY_addresses="alpha=1.2.3.4 beta=1.2.3.5"
like "$(cat "$TAP_OUT")" 'addresses=.alpha' "are named"
done_testing
