# Files of sync/; included by the top Makefile.am.
