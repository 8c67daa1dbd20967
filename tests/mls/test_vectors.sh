#!/bin/sh
# All test vectors of the MLS working group pass, and a wrong one is seen.
set -eu
dir=${XM_SRCDIR:-.}/tests/mls/vectors
prog=${XM_BUILDDIR:-.}/mls-vectors
"$prog" "$dir"/*.json

spoilt=$(mktemp)
trap 'rm -f "$spoilt"' EXIT
for kind in psk_secret transcript-hashes welcome tree-operations; do
	# The first digit of the first long hex string becomes another one.
	for digit in 7 8; do
		sed '0,/"[0-9a-f]\{64,\}"/s/"[0-9a-f]\([0-9a-f]\{63,\}\)"/"'$digit'\1"/' "$dir/$kind.json" >"$spoilt"
		cmp -s "$spoilt" "$dir/$kind.json" || break
	done
	if "$prog" "$spoilt" >/dev/null 2>&1; then
		echo "a spoilt $kind.json passed" >&2
		exit 1
	fi
done
echo '[{"unheard": "of"}]' >"$spoilt"
if "$prog" "$spoilt" >/dev/null 2>&1; then
	echo "a file of no known kind passed" >&2
	exit 1
fi
