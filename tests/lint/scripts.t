#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Shell and Python programs are at least well formed.
. "$(dirname "$0")/lint.sh"

scripts() {
	tracked | while read -r f; do
		case $(head -n 1 "$f" | tr -d '\0') in
		"#!"*"$1"*) echo "$f" ;;
		esac
	done
}

readarray -t shell < <(scripts sh)
for f in "${shell[@]}"; do bash -n "$f"; done 2>&1 | ok "shell scripts parse"

# Not asked for: sourced files and the variables they share, words split on purpose
if command -v shellcheck >/dev/null; then
	shellcheck -x -S warning -e SC1090,SC1091,SC2010,SC2034,SC2044,SC2046,SC2154,SC2187 -f gcc "${shell[@]}" 2>&1 | ok "shellcheck has no warning"
fi

tracked '*.py' | cat - <(scripts python3) | sort -u | while read -r f; do
	/usr/bin/python3 - "$f" <<-'PY' 2>&1
	import ast, sys
	try:
	    ast.parse(open(sys.argv[1]).read())
	except SyntaxError as err:
	    print(f"{sys.argv[1]}: {err}")
	PY
done | ok "Python programs parse"

tracked 'tests/*.t' | while read -r f; do [ -x "$f" ] || echo "$f"; done | ok "tests are executable"

# One that is not for uml-debug is run only where tests/core.list says so
tracked 'tests/t/*.t' 'tests/interop/*.t' | while read -r f; do
	name=${f#tests/}
	name=${name#t/}
	grep -q '^# kernels: ' "$f" || continue
	grep -q "^${name%.t}[[:space:]]" tests/core.list || echo "$f"
done | ok "each test is run somewhere"
finish
