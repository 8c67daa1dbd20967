# Files of net/; included by the top Makefile.am.
