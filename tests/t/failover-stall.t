#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# One of four channels dies under a verifying load with 32 requests at a time: no
# request fails, and how long the channel's own requests were held up is told. A
# reset is known at once; silence when the keep-alive notices it.
#
# The network has a distance, so that requests are under way on all channels.

. "$(dirname "$0")/../lib/enbd.sh"
. "$(dirname "$0")/../lib/net.sh"

keepalive=1000		# ms
distance=2		# ms, there and back
limit=50		# ms over that, from knowing to the requests being with others

trap 'tc qdisc del dev lo root 2>/dev/null; clean_up; rm -f "$TAP_OUT"' EXIT
tc qdisc add dev lo root netem delay $((distance * 1000 / 2))us ||
	skip_all "no netem in this kernel"
truncate -s 96M "$T/disk"
start_server "$T/disk"

# longest: what fio's slowest request took, in ms
longest()
{
	/usr/bin/python3 -S -E -c '
import json, sys
text = open(sys.argv[1]).read()
job = json.loads(text[text.index("{"):])["jobs"][0]
print(max(job[d]["clat_ns"]["max"] for d in ("read", "write")) // 1000000, job["error"])
' "$T/fio.json"
}

# Requests of it are waiting for their answer.
carries()
{
	local pending

	read -r pending <"/sys/block/$NAME/channel$1/pending"
	[ "$pending" -gt 0 ]
}

# dies CHANNEL WHAT COMMAND...: under load
dies()
{
	local channel=$1 what=$2 fio ms error stall

	shift 2
	spawn fio fio --name=v --filename="$DEV" --direct=1 --rw=randwrite \
		--bs=4k --ioengine=libaio --iodepth=32 --verify=crc32c \
		--verify_fatal=1 --aux-path="$T" --size=$(scale 96 8)M \
		--output-format=json \
		--output="$T/fio.json"
	fio=$PID
	ok "$what: channel $channel is at work" wait_for 10 carries "$channel"
	ok "$what" "$@"
	ok "$what: the channel is lost" wait_for 10 chan_is "$NAME" "$channel" lost
	ends 90 "$fio"
	is $? 0 "$what: no request failed, every checksum is right"
	read -r ms error <<<"$(longest)"
	is "$error" 0 "$what: fio counts no error"
	stall=$(field "[c.get('stall_us', -1) for c in ch if c['index'] == $channel][0]")
	num "$stall" -ge 0 "$what: status tells the stall"
	diag "$what: stall $stall us, the slowest request $ms ms"
	LONGEST=$ms STALL=$stall
}

need_connect "$URI" -n 4 --keepalive "$(seconds $keepalive)" --io-timeout 30
dies 1 reset reset_port "$(chan_port 1)"
[ $SLOW -gt 1 ] ||
	num "$STALL" -lt $(((limit + distance) * 1000)) "reset: under $limit ms"

dies 2 silence silence "$(chan_port 2)"
num "$(field '[c["retracted"] for c in ch if c["index"] == 2][0]')" -gt 0 \
	"silence: requests were taken back"
like "$(field "[c['reason'] for c in ch if c['index'] == 2][0]")" \
	'silen|heard|keepalive' "silence: the reason is told"
if [ $SLOW -eq 1 ]; then
	num "$STALL" -lt $(((limit + distance) * 1000)) "silence: under $limit ms"
	# It is looked for four times in the keep-alive's time.
	num "$LONGEST" -lt $((keepalive * 3 / 2 + limit)) \
		"silence: no request took longer than it takes to notice"
fi
unsilence
is "$(chan_values state)" "live lost lost live" "the others live"
ok "new channels" enbdctl channel add "$DEV" -n 2
ok "disconnect" disconnect
tc qdisc del dev lo root

done_testing
