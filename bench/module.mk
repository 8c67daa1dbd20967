# Files of bench/; included by the top Makefile.am.
