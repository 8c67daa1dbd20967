# Files of node/; included by the top Makefile.am.
