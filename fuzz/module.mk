# Files of fuzz/; included by the top Makefile.am.
include fuzz/identity.mk
