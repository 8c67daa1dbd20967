# Files of doc/; included by the top Makefile.am.
dist_man_MANS += doc/xmtui.1 doc/xmtui-node.1
EXTRA_DIST += doc/architecture.md doc/rpc.md
