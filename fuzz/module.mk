# Files of fuzz/; included by the top Makefile.am.
