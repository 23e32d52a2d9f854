# SPDX-License-Identifier: GPL-2.0
# Make rules from the "link:" and "cflags:" comments at the head of tests and
# fuzzers. awk -v dir=unit -f tests/links.awk tests/unit/*.c

function rest(word)
{
	return substr($0, RSTART + length(word), RLENGTH - length(word))
}

function stem(path)
{
	sub(/.*\//, "", path)
	sub(/\.c$/, "", path)
	return path
}

FNR <= 5 && match($0, /link:[^*]*/) {
	count = split(rest("link:"), files, " ")
	for (i = 1; i <= count; i++) {
		sub(/\.c$/, ".o", files[i])
		objects[FILENAME] = objects[FILENAME] " build/" dir "/obj/" files[i]
	}
	print "build/" dir "/" stem(FILENAME) ":" objects[FILENAME]
}

# For the test itself and for what it is linked with
FNR <= 5 && match($0, /cflags:[^*]*/) {
	flags[FILENAME] = rest("cflags:")
}

END {
	for (name in flags)
		print "build/" dir "/obj/tests/" dir "/" stem(name) ".o" objects[name] \
			": private test_flags := " flags[name]
}
