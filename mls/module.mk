# Files of mls/; included by the top Makefile.am.
