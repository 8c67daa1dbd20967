# crypto/: what XMTP and MLS need over libsodium, libsecp256k1 and OpenSSL. No protocol.
noinst_LTLIBRARIES += libcrypto-xm.la
libcrypto_xm_la_SOURCES = \
	crypto/aead.c crypto/aead.h \
	crypto/crypto.c crypto/crypto.h \
	crypto/ed25519.c crypto/ed25519.h \
	crypto/eth.c crypto/eth.h \
	crypto/hash.c crypto/hash.h \
	crypto/hpke.c crypto/hpke.h \
	crypto/keccak.c crypto/keccak.h \
	crypto/openssl.h \
	crypto/p256.c crypto/p256.h \
	crypto/x25519.c crypto/x25519.h \
	crypto/xwing.c crypto/xwing.h
