#!/bin/sh
# All test vectors of the MLS working group pass, and with any value in them altered they do not.
set -eu
dir=${XM_SRCDIR:-.}/tests/mls/vectors
prog=${XM_BUILDDIR:-.}/mls-vectors
"$prog" "$dir"/*.json
"$prog" --spoil "$dir"/*.json

bad=$(mktemp)
trap 'rm -f "$bad"' EXIT
refuses()
{
	if "$prog" "$@" >/dev/null 2>&1; then
		echo "mls-vectors $* takes $(head -c 60 "$bad")" >&2
		exit 1
	fi
}
echo '[{"unheard": "of"}]' >"$bad"
refuses "$bad"
refuses --spoil "$bad"
echo 'no JSON' >"$bad"
refuses "$bad"
refuses --spoil "$bad"
# A value that nothing depends on is told.
echo '[{"vlbytes_header": "40", "length": 0, "unused": "00"}]' >"$bad"
refuses --spoil "$bad"
