# SPDX-License-Identifier: GPL-2.0
# Make rules from the "link:" comments at the head of tests and fuzzers.
# awk -v dir=unit -f tests/links.awk tests/unit/*.c

FNR <= 5 && match($0, /link:[^*]*/) {
	count = split(substr($0, RSTART + 5, RLENGTH - 5), files, " ")
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/\.c$/, "", name)
	printf "build/%s/%s:", dir, name
	for (i = 1; i <= count; i++) {
		sub(/\.c$/, ".o", files[i])
		printf " build/%s/obj/%s", dir, files[i]
	}
	print ""
}
