# Files of doc/; included by the top Makefile.am.
dist_man_MANS += doc/xmtui-node.1
