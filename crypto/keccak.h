/* Keccak-256 as Ethereum uses it, and its standardised sisters (FIPS 202).
 *
 * No Debian library has Keccak-256 with the padding of the original submission; the same
 * permutation gives SHA3-256 and SHAKE256.  Not for secrets of changing length: the time depends
 * on the input's length only.  Thread: any. */
#pragma once
#include "base/bytes.h"

#include <stddef.h>
#include <stdint.h>

void keccak_256(struct slice data, uint8_t out[32]);
void keccak_256_parts(const struct slice *parts, size_t count, uint8_t out[32]);
void sha3_256_parts(const struct slice *parts, size_t count, uint8_t out[32]);
void shake_256(struct slice data, uint8_t *out, size_t len);
