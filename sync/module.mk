# Files of sync/; included by the top Makefile.am.
pkginclude_HEADERS += sync/xmtui/client.h
include sync/groups.mk
# sync/core.h's half: libsync_la_SOURCES += ...
