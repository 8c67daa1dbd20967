#!/bin/sh
# All test vectors of the MLS working group pass, and with any value in them altered they do not.
set -eu
dir=${XM_SRCDIR:-.}/tests/mls/vectors
prog=${XM_BUILDDIR:-.}/mls-vectors
"$prog" "$dir"/*.json
"$prog" --spoil "$dir"/*.json

bad=$(mktemp)
out=$(mktemp)
trap 'rm -f "$bad" "$out"' EXIT

# Ed25519 keys the way mls-rs, libsodium and others write them: the seed, then the public key.
key='[0-9a-f]{64}'
leaf="\"key_package\":\"000100050001000[13](20$key){2}20"
sed -E "s/($leaf)($key)([0-9a-f]*\",\"signature_priv\":\"$key)\"/\1\3\4\3\"/g" \
	"$dir/passive-client-welcome.json" >"$bad"
grep -qE '"signature_priv":"[0-9a-f]{128}"' "$bad"
"$prog" "$bad"
"$prog" --spoil "$bad"

refuses()
{
	if "$prog" "$@" >/dev/null 2>&1; then
		echo "mls-vectors $* takes $(head -c 60 "$bad")" >&2
		exit 1
	fi
}
# Fails with exactly these lines, the file's name aside.
says()
{
	refuses "$bad"
	"$prog" "$bad" 2>&1 | sed "s|^$bad: ||" >"$out"
	if ! printf '%s\n' "$@" | cmp -s - "$out"; then
		echo "mls-vectors says of $(head -c 60 "$bad"):" >&2
		cat "$out" >&2
		exit 1
	fi
}
unknown='of no format of the MLS working group'\''s test vectors:'

echo '[{"unheard": "of"}, {"cipher_suite": 2, "input": "00", "output": "00"}]' >"$bad"
says "$unknown entry 0 has the fields \"unheard\"" "0 passed, 2 failed, 0 skipped"
refuses --spoil "$bad"
echo '{"a suite": {"bytes": "00"}}' >"$bad"
says "$unknown entry 0 has the fields \"a suite\"" "0 passed, 1 failed, 0 skipped"
echo '["text"]' >"$bad"
says "$unknown entry 0 is no object" "0 passed, 1 failed, 0 skipped"
echo 'no JSON' >"$bad"
refuses "$bad"
refuses --spoil "$bad"

# What the kind needs and the entry lacks is named.
lacks='no field "psk_nonce", which the working group'\''s format has'
echo '[{"cipher_suite": 1, "psks": [{"psk_id": "00", "psk": "00", "nonce": "00"}], "psk_secret": "00"}]' >"$bad"
says "entry 0 (psk_secret): $lacks" "0 passed, 1 failed, 0 skipped"
echo '[{"vlbytes_header": "4g", "length": 0}, {"vlbytes_header": "00", "length": "0"}]' >"$bad"
says 'entry 0 (deserialization): field "vlbytes_header" is no hex' \
	'entry 1 (deserialization): field "length" is no number' "0 passed, 2 failed, 0 skipped"

# A value that nothing depends on is told.
echo '[{"vlbytes_header": "40", "length": 0, "unused": "00"}]' >"$bad"
refuses --spoil "$bad"

"$prog" --help | grep -q 'Exit status: 0'
