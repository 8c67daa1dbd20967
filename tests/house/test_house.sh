#!/bin/sh
# What doc/architecture.md says of the folders: which may include which, who may know the libraries outside, and
# what the installed library exports; the picture in README.md; which files have sentences for translators.  Each
# rule is then broken in a copy, to see that it is looked at.
set -eu
src=${XM_SRCDIR:-.}
build=${XM_BUILDDIR:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

folders="base crypto mls proto store net identity sync ui cli node"

# may FOLDER : the headers of ours that it may include, as beginnings of paths
may()
{
	case $1 in
	base) echo base/ ;;
	crypto) echo crypto/ base/ ;;
	mls) echo mls/ crypto/ base/ ;;
	proto) echo proto/ base/ ;;
	store) echo store/ crypto/ base/ ;;
	net) echo net/ proto/ crypto/ base/ ;;
	identity) echo identity/ mls/ proto/ crypto/ base/ ;;
	sync) echo sync/ identity/ net/ store/ mls/ proto/ crypto/ base/ ;;
	ui) echo ui/ sync/xmtui/client.h base/ ;;
	cli) echo cli/ ui/ sync/xmtui/client.h base/ ;;
	node) echo node/ net/ identity/ mls/ proto/ crypto/ base/ store/db.h store/lock.h ;;
	esac
}

# Libraries that only these folders know: SQL has one place, the pure ones have neither sockets nor files.
outside='sqlite3.h:store
uv.h:net sync node
nghttp2/:net
openssl/:crypto net
secp256k1:crypto
curses.h:ui
sys/socket.h:net sync node
netinet/:net sync node
fcntl.h:base store sync ui cli node'

# includes TREE FOLDER : FILE HEADER of every #include "..."; outer_includes: of every #include <...>
includes()
{
	(cd "$1" && grep -rE '^[ 	]*#[ 	]*include[ 	]*"' --include='*.c' --include='*.h' "$2") |
		sed -E 's/^([^:]*):[^"]*"([^"]*)".*/\1 \2/'
}

outer_includes()
{
	(cd "$1" && grep -rE '^[ 	]*#[ 	]*include[ 	]*<' --include='*.c' --include='*.h' "$2" || true) |
		sed -E 's/^([^:]*):[^<]*<([^>]*)>.*/\1 \2/'
}

# starts_with TEXT BEGINNING...
starts_with()
{
	text=$1
	shift
	for beginning in "$@"; do
		case $text in "$beginning"*) return 0 ;; esac
	done
	return 1
}

check_includes()
{
	bad=0
	for folder in $folders; do
		allowed="$(may "$folder") config.h"
		includes "$1" "$folder" >"$work/includes"
		[ -s "$work/includes" ] || { echo "$folder includes nothing: is it there?"; return 1; }
		while read -r file header; do
			# shellcheck disable=SC2086
			starts_with "$header" $allowed || { echo "$file includes $header"; bad=1; }
		done <"$work/includes"
	done
	return $bad
}

check_outside()
{
	bad=0
	for folder in $folders; do
		outer_includes "$1" "$folder" >"$work/includes"
		while read -r file header; do
			while IFS=: read -r library who; do
				case $header in *"$library"*) ;; *) continue ;; esac
				case " $who " in *" $folder "*) ;; *) echo "$file includes <$header>"; bad=1 ;; esac
			done <"$work/outside"
		done <"$work/includes"
	done
	return $bad
}

# Reads names, one a line.
check_names()
{
	if grep -vE '^(xm_|mls_)'; then
		echo "these are exported"
		return 1
	fi
}

exported()
{
	nm -D --defined-only "$build/.libs/libxmtui.so" | awk '{print $3}'
}

must_fail()
{
	if "$@" >/dev/null; then
		echo "not seen: $*" >&2
		exit 1
	fi
}

printf '%s\n' "$outside" >"$work/outside"
check_includes "$src" >&2
check_outside "$src" >&2
exported >"$work/names"
grep -qx xm_client_open "$work/names"
check_names <"$work/names" >&2

# The picture that README.md opens with is a screen that the tests compare whole.
check_picture()
{
	sed -n '/^```text$/,/^```$/p' "$1/README.md" | sed '1d;$d' |
		cmp -s - "$1/tests/ui/screens/main-80x24.txt" || {
		echo "the picture in README.md is not tests/ui/screens/main-80x24.txt"
		return 1
	}
}
check_picture "$src" >&2

# Sentences for people are in the files that po/POTFILES.in lists, and in no others.
check_sentences()
{
	# shellcheck disable=SC2086
	(cd "$1" && grep -rlE '(^|[^A-Za-z0-9_])(N?_|ngettext)\(("|$)' --include='*.c' --include='*.h' $folders) |
		LC_ALL=C sort >"$work/sentences"
	grep -v '^#' "$1/po/POTFILES.in" | grep . | LC_ALL=C sort | diff - "$work/sentences" || {
		echo "po/POTFILES.in is not the list of files with sentences for people"
		return 1
	}
}
check_sentences "$src" >&2

mkdir -p "$work/tree/tests/ui/screens" "$work/tree/po"
cp "$src/README.md" "$work/tree/README.md"
cp "$src/tests/ui/screens/main-80x24.txt" "$work/tree/tests/ui/screens/"
cp "$src/po/POTFILES.in" "$work/tree/po/"
for folder in $folders; do
	cp -R "$src/$folder" "$work/tree/$folder"
done
chmod -R u+w "$work/tree" # as it comes from a distribution
# spoil FILE LINE CHECK : CHECK must not pass with that line in that file
spoil()
{
	cp "$work/tree/$1" "$work/kept"
	printf '%s\n' "$2" >>"$work/tree/$1"
	must_fail "$3" "$work/tree"
	cp "$work/kept" "$work/tree/$1"
}
spoil tests/ui/screens/main-80x24.txt 'another line' check_picture
spoil po/POTFILES.in 'base/hex.c' check_sentences
spoil base/hex.c 'const char *text = _("a sentence");' check_sentences
spoil base/hex.c '#include "crypto/aead.h"' check_includes
spoil ui/ui.c '#include "sync/core.h"' check_includes
spoil cli/main.c '#include "store/store.h"' check_includes
spoil node/node.c '#include "sync/core.h"' check_includes
spoil mls/group.c '# include "identity/ident.h"' check_includes
spoil sync/core.c '#include <sqlite3.h>' check_outside
spoil mls/group.c '#include <uv.h>' check_outside
echo store_open >>"$work/names"
if check_names <"$work/names" >/dev/null; then
	echo "not seen: an exported store_open" >&2
	exit 1
fi
