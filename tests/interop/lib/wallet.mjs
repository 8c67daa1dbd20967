// Wallets: secp256k1 keys that exist for one test only.
import { randomBytes } from 'node:crypto'
import { load } from './modules.mjs'

export function newWalletKey() {
  // A random 32-byte string is no valid key once in 2^128 draws.
  return '0x' + randomBytes(32).toString('hex')
}

// A wallet that signs as Ethereum wallets do (EIP-191): { address, sign(text) -> Uint8Array(65) }.
export async function wallet(key) {
  const { privateKeyToAccount } = await load('viem/accounts')
  const account = privateKeyToAccount(key.startsWith('0x') ? key : '0x' + key)
  return {
    address: account.address.toLowerCase(),
    async sign(text) {
      const signature = await account.signMessage({ message: text })
      return Uint8Array.from(Buffer.from(signature.slice(2), 'hex'))
    },
  }
}
