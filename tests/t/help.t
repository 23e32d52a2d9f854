#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# --version and --help of enbdctl, of each of its verbs, and of enbd-client: on
# stdout, with exit status 0, and without a module.

WITHOUT_MODULE=1
. "$(dirname "$0")/../lib/enbd.sh"

version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$ENBD_TREE/dkms.conf")

# says COMMAND...: exit status 0, its answer in OUT, nothing on stderr
says()
{
	OUT=$(within 10 "$@" 2>"$T/err") && [ ! -s "$T/err" ] || ! cat "$T/err"
}

for option in --version -V; do
	ok "enbdctl $option" says enbdctl $option
	is "$OUT" "enbdctl $version" "is that of the package"
	ok "enbd-client $option" says enbd-client $option
	is "$OUT" "enbd-client $version" "is that of the package"
done

for option in --help '-?' help; do
	ok "enbdctl $option" says enbdctl "$option"
	like "$OUT" '^Usage: enbdctl VERB' "says how it is called"
done
ok "enbd-client --help" says enbd-client --help
like "$OUT" '^Usage: enbd-client \[OPTION...\] HOST:PORT \[DEVICE\]' "says how it is called"
ok "enbd-client --usage" says enbd-client --usage

mapfile -t verbs < <(enbdctl --help | sed -n 's/^  \([a-z-]*\) .*/\1/p')
num ${#verbs[@]} -ge 16 "--help lists the verbs: ${verbs[*]}"
for verb in "${verbs[@]}"; do
	[ "$verb" != channel ] || continue
	ok "enbdctl $verb --help" says enbdctl "$verb" --help
	like "$OUT" "^Usage: enbdctl $verb" "says how it is called"
	like "$OUT" --help "and lists its options"
	ok "enbdctl $verb --version" says enbdctl "$verb" --version
	is "$OUT" "enbdctl $version" "is that of the package"
done
for verb in add del list; do
	ok "enbdctl channel $verb --help" says enbdctl channel $verb --help
	like "$OUT" "^Usage: enbdctl channel $verb" "says how it is called"
done
ok "enbdctl channel --help" says enbdctl channel --help
like "$OUT" 'add.*del.*list' "names what it can do"

status 2 "no verb" enbdctl
is "$(enbdctl 2>&1)" "enbdctl: the verb is missing; see enbdctl --help" "says so"
is "$(enbdctl connect --nonsense 2>&1 >/dev/null | wc -l)" 1 "an unknown option: one line"
ok "none of that needs the module" not_left

done_testing
