# SPDX-License-Identifier: GPL-2.0
#
# The mirror agent on one node, alpha. The leg of the other node, beta, is a server
# that can go and come back, and the cluster a CIB in a file. Source it after enbd.sh.

. "$ENBD_LIB/cib.sh"

# mirror_setup: two legs in sync, a on a loop device, b in a file
mirror_setup()
{
	local b c leg

	for c in crm_attribute mdadm; do
		command -v "$c" >/dev/null || skip_all "$c is not installed"
	done
	make -s -C "$ENBD_TREE" install-ocf || die "make install-ocf"
	for leg in a b; do
		truncate -s 32M "$T/$leg"
	done
	a=$(losetup -f --show "$T/a")
	b=$(losetup -f --show "$T/b")
	mdadm --create /dev/md/setup --run --level=1 --raid-devices=2 --bitmap=internal \
		--bitmap-chunk=64K --metadata=1.2 "$a" "$b" >"$T/create.log" 2>&1 ||
		die "mdadm --create" "$(cat "$T/create.log")"
	[ -b /dev/md/setup ] || die "mdadm makes no link: is there a /run/udev without udevd?"
	mdadm --wait /dev/md/setup
	mdadm --stop /dev/md/setup 2>/dev/null
	losetup -d "$b"
	echo first >"$T/boot"
	new_port
}

# agent ACTION [NAME=VALUE...]
agent()
{
	local action=$1

	shift
	env OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=data OCF_RESKEY_CRM_meta_on_node=alpha \
		OCF_RESKEY_CRM_meta_interval=10000 OCF_RESKEY_CRM_meta_timeout=60000 \
		OCF_RESKEY_leg="$a" OCF_RESKEY_port="$PORT" OCF_RESKEY_channels=2 \
		OCF_RESKEY_addresses="alpha=127.0.0.1 beta=127.0.0.2" "$@" \
		/usr/lib/ocf/resource.d/enbd/mirror "$action"
}

generation()
{
	crm_attribute -N "$1" -l forever -n enbd-data-generation -G -q -d 0 2>/dev/null
}

# marked NODE [VALUE]: that its leg is in sync
marked()
{
	if [ $# -eq 2 ]; then
		crm_attribute -N "$1" -l reboot -n enbd-data-insync -v "$2"
	else
		crm_attribute -N "$1" -l reboot -n enbd-data-insync -G -q -d 0 2>/dev/null
	fi
}

equal()
{
	[ "$(generation alpha)" = "$(generation beta)" ]
}

beta_outdated()
{
	[ "$(generation alpha)" -gt "$(generation beta)" ]
}

alpha_outdated()
{
	[ "$(generation alpha)" -lt "$(generation beta)" ]
}

beta_on()
{
	rm -f "$T/port"
	spawn beta enbd-server "$PORT" "$T/b" --name data -f --bind 127.0.0.2 \
		--port-file "$T/port" --state-dir "$T/state" --boot-id-file "$T/boot"
	BETA=$PID
	await_server beta "$T/port"
}

# beta_off: without a word
beta_off()
{
	kill -KILL "$BETA"
	wait "$BETA" 2>/dev/null
	wait_for 20 dev_is nda parked
}

# beta_end: in order
beta_end()
{
	stop_server "$BETA"
}

# md: the array's name
md()
{
	local path

	path=$(readlink -f /dev/md/data) && echo "${path##*/}"
}

# legs STATE: such as UU
legs()
{
	grep -A 1 "^$(md) " /proc/mdstat | grep -q "\[$1\]" &&
		! grep -q 'recovery\|resync' /proc/mdstat
}

dead_timeout()
{
	cat /sys/block/nda/enbd/dead_timeout_ms
}

write_some()
{
	dd if=/dev/urandom of=/dev/md/data bs=64k count=1 seek=$((RANDOM % 400)) oflag=direct \
		status=none
}

# writing: a write waits for the other leg
writing()
{
	spawn write write_some
	WRITE=$PID
}

mismatches()
{
	local sys

	sys=/sys/block/$(md)/md
	echo check >"$sys/sync_action"
	wait_for 30 grep -qx idle "$sys/sync_action"
	cat "$sys/mismatch_cnt"
}
