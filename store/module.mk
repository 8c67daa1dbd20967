# Files of store/; included by the top Makefile.am.
