# Files of identity/; included by the top Makefile.am.
