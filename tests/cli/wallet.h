/* Wallets elsewhere: keys that this program signs with, as a person's wallet would. */
#pragma once
#include <stdbool.h>

/* The key that is this byte 32 times, as hex of 64 digits; borrowed until the next call. */
const char *wallet_key(unsigned char byte);
const char *wallet_address(unsigned char byte); /* borrowed until the next call */
/* personal_sign: 0x and 130 digits; borrowed until the next call. */
const char *wallet_sign(unsigned char byte, const char *text);
