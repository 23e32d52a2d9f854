# SPDX-License-Identifier: GPL-2.0
#
# A server that speaks the extension and does what a file tells it to
# (hostile_enbd.py). Source it after enbd.sh.

# start_hostile_enbd [OPTION...]: sets PORT and URI.
start_hostile_enbd()
{
	rm -f "$T/enbd.port" "$T/policy"
	: >"$T/server"
	spawn hostile "$ENBD_LIB/hostile_enbd.py" --port-file "$T/enbd.port" \
		--policy "$T/policy" --log "$T/server" "$@"
	await_server hostile "$T/enbd.port"
	read -r PORT <"$T/enbd.port"
	URI=nbd://127.0.0.1:$PORT
}

# policy WORD...: replaced at once, the server never sees half of it.
policy()
{
	echo "$*" >"$T/policy.new"
	mv "$T/policy.new" "$T/policy"
}

server_says()
{
	grep -q "$1" "$T/server"
}

held()
{
	[ "$(cat "/sys/block/$NAME/enbd/held")" = "$1" ]
}

# write_one [DD-OPERAND...]: in the background, sets writer.
write_one()
{
	spawn writer dd if=/dev/urandom of="$DEV" bs=4k count=1 oflag=direct "$@"
	writer=$PID
}

# lose_a_write WORD...: that the server loses with its connection, once; from
# then on its policy is WORD... Sets LOST and writer.
lose_a_write()
{
	write_one
	ok "its channel is lost" wait_for 10 lost_one
	policy "$@"
}
