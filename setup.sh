# What ./start and ./check share: installing what is missing, and building out of tree.  Sourced.

run_packages="gcc make autoconf automake libtool pkg-config gettext autopoint libc6-dev
    libncurses-dev libutf8proc-dev libuv1-dev libnghttp2-dev libssl-dev
    libprotobuf-c-dev protobuf-c-compiler libprotobuf-dev zlib1g-dev
    libsodium-dev libsecp256k1-dev libsqlite3-dev libjansson-dev libinih-dev libqrencode-dev
    ca-certificates tmux"
test_packages="libcmocka-dev libvterm-dev clang libclang-rt-14-dev llvm sqlite3 man-db"

say()
{
    printf '%s\n' "$*" >&2
}

# missing PACKAGE... : those of them that are not installed
missing()
{
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || printf '%s ' "$package"
    done
}

# install PACKAGE... : what is missing of them, or the line to type and exit 1
install_packages()
{
    if ! command -v dpkg-query >/dev/null 2>&1; then
        return 0 # no Debian: configure names what is missing
    fi
    wanted=$(missing "$@")
    [ -n "$wanted" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1; then
        as_root=sudo
    else
        say "These packages are missing and only root can install them. Please run, as root:"
        say "    apt-get install --no-install-recommends $wanted"
        exit 1
    fi
    say "Installing: $wanted"
    $as_root apt-get update -q >/dev/null || true
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -q --no-install-recommends $wanted >/dev/null || {
        say "apt-get could not install: $wanted"
        exit 1
    }
}

# Node for the real libxmtp: whichever is there; Debian's where none is.
install_node()
{
    if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; then
        return 0
    fi
    install_packages nodejs npm
}

jobs()
{
    nproc 2>/dev/null || echo 2
}

# configure_in DIR [configure argument]... : makes DIR ready for make
configure_in()
{
    dir=$1
    shift
    mkdir -p "$dir"
    if [ ! -x "$top/configure" ] || [ -n "$(find "$top" -maxdepth 3 \( -name configure.ac -o -name Makefile.am -o -name '*.mk' \) -newer "$top/configure" | head -n 1)" ]; then
        (cd "$top" && autoreconf -fi) >"$dir/autoreconf.log" 2>&1 || { tail -n 20 "$dir/autoreconf.log" >&2; return 1; }
    fi
    if [ ! -f "$dir/config.status" ] || [ "$top/configure" -nt "$dir/config.status" ]; then
        (cd "$dir" && "$top/configure" "$@") >"$dir/configure.log" 2>&1 || { tail -n 5 "$dir/configure.log" >&2; return 1; }
    fi
}

# build DIR [configure argument]... : configures where needed and makes everything in DIR
build()
{
    configure_in "$@" || return 1
    make -C "$1" -j"$(jobs)" all >"$1/make.log" 2>&1 || { grep -E 'error|Error' "$1/make.log" | head -n 20 >&2; return 1; }
}
