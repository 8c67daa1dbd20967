# The JavaScript of tests/interop/; `run` itself is a test.
EXTRA_DIST += tests/interop/run tests/interop/install tests/interop/package.json tests/interop/package-lock.json \
	tests/interop/.npmrc tests/interop/peer.mjs \
	tests/interop/lib/check.mjs tests/interop/lib/encode.mjs tests/interop/lib/installations.mjs \
	tests/interop/lib/lines.mjs tests/interop/lib/main.mjs tests/interop/lib/modules.mjs \
	tests/interop/lib/node.mjs tests/interop/lib/player.mjs tests/interop/lib/random.mjs tests/interop/lib/rpc.mjs tests/interop/lib/wait.mjs \
	tests/interop/lib/stand-in.mjs tests/interop/lib/wallet.mjs tests/interop/lib/world.mjs \
	tests/interop/peer/client.mjs tests/interop/peer/content.mjs tests/interop/peer/conversations.mjs \
	tests/interop/peer/database.mjs tests/interop/peer/preferences.mjs tests/interop/peer/protobuf.mjs \
	tests/interop/peer/shapes.mjs \
	tests/interop/lib/talk.mjs tests/interop/scenarios/block.mjs tests/interop/scenarios/chats.mjs tests/interop/scenarios/group.mjs tests/interop/scenarios/hostile.mjs \
	tests/interop/scenarios/index.mjs tests/interop/scenarios/kill.mjs tests/interop/scenarios/libxmtp-chats.mjs \
	tests/interop/scenarios/accounts.mjs tests/interop/scenarios/libxmtp-identity.mjs tests/interop/scenarios/libxmtp-many.mjs \
	tests/interop/scenarios/malformed.mjs tests/interop/scenarios/node-restart.mjs tests/interop/scenarios/preferences.mjs tests/interop/scenarios/roles.mjs \
	tests/interop/scenarios/rules.mjs

# `make interop`: all scenarios with the programs of this build (needs Node and, once, the npm registry).
interop: all
	XM_BUILDDIR='$(abs_top_builddir)' '$(srcdir)/tests/interop/run'
