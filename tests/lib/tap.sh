# SPDX-License-Identifier: GPL-2.0
#
# TAP (Test Anything Protocol) for shell tests. A test prints one line per
# check and the plan at the end, by done_testing; a test that dies before
# that has no plan, which prove counts as a failure.
#
#   ok "name" COMMAND...        the command succeeds
#   nok "name" COMMAND...       the command fails
#   status N "name" COMMAND...  the command exits with status N
#   is GOT WANT "name"          the strings are equal
#   isnt GOT NOT "name"         they are not
#   like GOT ERE "name"         the string matches
#   unlike GOT ERE "name"       it does not
#   num A OP B "name"           [ A OP B ] with numbers (-eq -gt ...)
#   subtests COMMAND...         it prints "ok - name" and "not ok - name" lines
#   pass/fail "name", skip "name" "reason", diag TEXT, bail TEXT
#   skip_all "reason"           nothing here can be tested
#
# Commands run in the shell itself, so a function may set variables. What
# they print is kept in $TAP_OUT and shown when the check fails.

TAP_N=0
TAP_FAILED=0
TAP_OUT=$(mktemp /tmp/tap.XXXXXX)

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass()
{
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N - $1"
}

fail()
{
	TAP_N=$((TAP_N + 1))
	TAP_FAILED=$((TAP_FAILED + 1))
	echo "not ok $TAP_N - $1"
}

skip()
{
	TAP_N=$((TAP_N + 1))
	echo "ok $TAP_N - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $1"
	trap - EXIT
	rm -f "$TAP_OUT"
	exit 0
}

# Stops the whole run: nothing that follows can work.
bail()
{
	echo "Bail out! $*"
	exit 255
}

# Stops this test only.
die()
{
	fail "$1"
	shift
	[ $# -eq 0 ] || diag "$@"
	exit 1
}

tap_show()
{
	diag "command: $*"
	sed 's/^/#   /' "$TAP_OUT" | tail -n 30
}

ok()
{
	local name=$1

	shift
	if "$@" >"$TAP_OUT" 2>&1; then
		pass "$name"
	else
		fail "$name"
		tap_show "$@"
		return 1
	fi
}

nok()
{
	local name=$1

	shift
	if "$@" >"$TAP_OUT" 2>&1; then
		fail "$name"
		tap_show "$@"
		return 1
	else
		pass "$name"
	fi
}

status()
{
	local want=$1 name=$2 got

	shift 2
	"$@" >"$TAP_OUT" 2>&1
	got=$?
	if [ "$got" = "$want" ]; then
		pass "$name"
	else
		fail "$name"
		diag "exit status $got, wanted $want"
		tap_show "$@"
		return 1
	fi
}

is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3"
		diag "got:    $1"
		diag "wanted: $2"
		return 1
	fi
}

isnt()
{
	if [ "$1" != "$2" ]; then
		pass "$3"
	else
		fail "$3"
		diag "got:    $1"
		return 1
	fi
}

like()
{
	if [[ $1 =~ $2 ]]; then
		pass "$3"
	else
		fail "$3"
		diag "got:    $1"
		diag "wanted: /$2/"
		return 1
	fi
}

unlike()
{
	if [[ $1 =~ $2 ]]; then
		fail "$3"
		diag "got:    $1"
		diag "unwanted: /$2/"
		return 1
	else
		pass "$3"
	fi
}

num()
{
	if [ "$1" "$2" "$3" ] 2>/dev/null; then
		pass "$4"
	else
		fail "$4"
		diag "got: $1, wanted $2 $3"
		return 1
	fi
}

subtests()
{
	local line rc

	while IFS= read -r line; do
		case $line in
		'ok - '*)	pass "${line#ok - }" ;;
		'not ok - '*)	fail "${line#not ok - }" ;;
		'exit '*)	rc=${line#exit } ;;
		*)		diag "$line" ;;
		esac
	done < <("$@" 2>&1; echo "exit $?")
	[ "$rc" = 0 ] || fail "$1 ends well (exit status $rc)"
}
