# Files of mls/; included by the top Makefile.am.
noinst_HEADERS += mls/mls.h
