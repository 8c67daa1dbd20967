# Files of crypto/; included by the top Makefile.am.
