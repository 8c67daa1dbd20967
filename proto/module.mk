# Files of proto/; included by the top Makefile.am.
