# Files of ui/; included by the top Makefile.am.
