# Files of doc/; included by the top Makefile.am.
