// `client.*`: one libxmtp client, its registration and its identity.
import path from 'node:path'
import { mkdirSync } from 'node:fs'
import { wallet } from '../lib/wallet.mjs'
import { packageVersion } from '../lib/modules.mjs'

const ethereum = (address) => ({ identifier: address.toLowerCase(), identifierKind: 0 })

// Signs `request` with each of the wallets and hands it to `apply`.
async function signed(request, wallets, apply) {
  if (!request)
    return false
  const text = await request.signatureText()
  for (const w of wallets)
    await request.addEcdsaSignature(await w.sign(text))
  await apply(request)
  return true
}

// Opens the database below `home`, registers the installation where that was not done, and returns the
// context that every method gets.  worker: false leaves out the sync worker.
export async function open(bindings, { home, url, key, worker = true, clientMode }) {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const file = path.join(home, 'libxmtp.db')
  const owner = await wallet(key)
  const identifier = ethereum(owner.address)
  const inboxId = await bindings.getInboxIdForIdentifier(url, null, false, identifier) ??
                  bindings.generateInboxId(identifier)
  const client = await bindings.createClient(
    url, null, false, file, inboxId, identifier,
    null,                                        // no database key: the epochs are read from the file
    null, worker ? 'Enabled' : 'Disabled',
    { level: process.env.PEER_LOG ?? 'Off', structured: true }, false, 'interop/1.0.0', null, null, null, clientMode)
  await signed(await client.createInboxSignatureRequest(), [owner], (r) => client.registerIdentity(r))
  return { bindings, client, conversations: client.conversations(), owner, file, url, home, streams: new Map() }
}

export const methods = {
  'client.info': ({ client, owner, url, openedMs }) => ({
    inboxId: client.inboxId(), installationId: client.installationId(), address: owner.address, env: 'local',
    node: url, registered: client.isRegistered(), openedMs,
    version: `libxmtp ${client.libxmtpVersion()} (@xmtp/node-bindings ${packageVersion('@xmtp/node-bindings')})`,
  }),

  'client.canMessage': async ({ client }, { peers }) => {
    const addresses = peers.map((peer) => peer.address ?? peer)
    const can = await client.canMessage(addresses.map(ethereum))
    return Object.fromEntries(addresses.map((a) => [a, can[a.toLowerCase()] ?? false]))
  },

  'client.inboxState': async ({ client }, { inboxId, refresh = false }) => {
    const state = inboxId && inboxId !== client.inboxId()
      ? (await client.addressesFromInboxId(refresh, [inboxId]))[0] : await client.inboxState(refresh)
    return {
      inboxId: state.inboxId, recoveryIdentifier: state.recoveryIdentifier.identifier.toLowerCase(),
      identifiers: state.identifiers.map((i) => ({ identifier: i.identifier.toLowerCase(), kind: i.identifierKind })),
      installations: state.installations.map((i) => ({
        id: i.id, createdAtNs: String(i.clientTimestampNs ?? 0), self: i.id === client.installationId(),
      })),
    }
  },

  'client.revokeInstallations': async ({ client, owner }, { ids, allOthers }) => {
    const before = (await client.inboxState(true)).installations.map((i) => i.id)
    const request = allOthers ? await client.revokeAllOtherInstallationsSignatureRequest()
      : await client.revokeInstallationsSignatureRequest(ids.map((id) => Uint8Array.from(Buffer.from(id, 'hex'))))
    await signed(request, [owner], (r) => client.applySignatureRequest(r))
    const after = (await client.inboxState(true)).installations.map((i) => i.id)
    return { revoked: before.filter((id) => !after.includes(id)) }
  },

  // The installation key signs for the inbox, by itself; the new account for itself.
  'client.addAccount': async ({ client }, { walletKey }) => {
    const added = await wallet(walletKey)
    await signed(await client.addIdentifierSignatureRequest(ethereum(added.address)), [added],
                 (r) => client.applySignatureRequest(r))
    return { address: added.address }
  },

  'client.removeAccount': async ({ client, owner }, { address }) => {
    await signed(await client.revokeIdentifierSignatureRequest(ethereum(address)), [owner],
                 (r) => client.applySignatureRequest(r))
    return {}
  },

  'client.changeRecoveryIdentifier': async ({ client, owner }, { address }) => {
    await signed(await client.changeRecoveryIdentifierSignatureRequest(ethereum(address)), [owner],
                 (r) => client.applySignatureRequest(r))
    return {}
  },

  'client.sign': ({ client }, { text }) => ({ signature: Buffer.from(client.signWithInstallationKey(text)).toString('hex') }),

  'client.verifySignature': ({ client, bindings }, { text, signature, installationId }) => {
    const bytes = Uint8Array.from(Buffer.from(signature, 'hex'))
    try {
      if (installationId)
        bindings.verifySignedWithPublicKey(text, bytes, Uint8Array.from(Buffer.from(installationId, 'hex')))
      else
        client.verifySignedWithInstallationKey(text, bytes)
      return { valid: true }
    } catch {
      return { valid: false }
    }
  },

  // What the peers of these installations would use to invite them.
  'client.keyPackages': async ({ client }, { ids }) => {
    const status = await client.getKeyPackageStatusesForInstallationIds(ids)
    return Object.fromEntries(Object.entries(status).map(([id, s]) => [id, {
      valid: !s.validationError, notBefore: String(s.lifetime?.notBefore ?? 0), notAfter: String(s.lifetime?.notAfter ?? 0),
    }]))
  },

  // The calls that need no client: each asks the node by itself.
  'client.authorized': async ({ bindings, url }, { inboxId, address, installationId }) => ({
    address: await bindings.isAddressAuthorized(url, null, inboxId, address),
    installation: await bindings.isInstallationAuthorized(url, null, inboxId, Uint8Array.from(Buffer.from(installationId, 'hex'))),
  }),

  'client.inboxStates': async ({ bindings, url }, { inboxIds }) =>
    (await bindings.inboxStateFromInboxIds(url, null, inboxIds)).map((s) => ({
      inboxId: s.inboxId, installations: s.installations.map((i) => i.id),
    })),

  'client.latestInboxState': async ({ client }, { inboxId }) => ({
    installations: (await client.getLatestInboxState(inboxId)).installations.map((i) => i.id),
  }),

  // Revoking without a client, as somebody does who has lost all installations.
  'client.revokeFromOutside': async ({ bindings, url, owner }, { inboxId, ids }) => {
    const request = await bindings.revokeInstallationsSignatureRequest(
      url, null, ethereum(owner.address), inboxId, ids.map((id) => Uint8Array.from(Buffer.from(id, 'hex'))))
    await signed(request, [owner], (r) => bindings.applySignatureRequest(url, null, r))
    return {}
  },

  // An account that is a smart contract: the node, which asks no chain, says that the signature is not valid.
  'client.addContractAccount': async ({ client }, { address }) => {
    const request = await client.addIdentifierSignatureRequest(ethereum(address))
    await request.addScwSignature(ethereum(address), Uint8Array.from(Buffer.alloc(65, 1)), 1n, 1n)
    await client.applySignatureRequest(request)
    return {}
  },

  'client.reconnectDatabase': async ({ client }) => {
    client.releaseDbConnection()
    await client.dbReconnect()
    return {}
  },

  'client.statistics': ({ client }) => {
    const numbers = (o) => Object.fromEntries(Object.entries(o).map(([k, v]) => [k, Number(v)]))
    return { ...numbers(client.apiStatistics()), ...numbers(client.apiIdentityStatistics()) }
  },
}
