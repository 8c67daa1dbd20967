# Files of sync/; included by the top Makefile.am.
pkginclude_HEADERS += sync/xmtui/client.h
