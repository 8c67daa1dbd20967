# Files of cli/; included by the top Makefile.am.
