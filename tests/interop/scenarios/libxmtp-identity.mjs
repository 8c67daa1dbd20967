// libxmtp alone, who somebody is: registration, look-ups, key packages, second installations, revocation,
// more accounts, recovery identifier, signatures; with the node killed in between, as all of it must last.
import { becomes, equal, ok, refused } from '../lib/check.mjs'
import { until } from '../lib/wait.mjs'
import { newWalletKey, wallet } from '../lib/wallet.mjs'

export const name = 'libxmtp-identity'

export const cases = [{ A: 'libxmtp', B: 'libxmtp', C: 'libxmtp', Bo: 'libxmtp' }]

const installations = async (client, inboxId) =>
  (await client.call('client.inboxState', { inboxId, refresh: true })).installations.map((i) => i.id).sort()

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const Bo = await world.client('Bo', roles.Bo)
  const stranger = (await wallet(newWalletKey())).address

  equal(await A.call('client.canMessage', { peers: [Bo.address, A.address, stranger] }),
        { [Bo.address]: true, [A.address]: true, [stranger]: false }, 'who can be written to')
  await refused(A.call('conversations.newDm', { peer: { address: stranger } }), 'a chat with no user', 'not_found')

  const state = await A.call('client.inboxState', { inboxId: Bo.inboxId, refresh: true })
  equal([state.inboxId, state.recoveryIdentifier, state.identifiers.map((i) => i.identifier), state.installations.map((i) => i.id)],
        [Bo.inboxId, Bo.address, [Bo.address], [Bo.installationId]], 'Bo as A sees him')

  // Second and third installation, and their key packages.
  const B = await world.client('B', roles.B, { sameAs: A })
  const C = await world.client('C', roles.C, { sameAs: A })
  equal([B.inboxId, C.inboxId], [A.inboxId, A.inboxId], 'inboxes of B and C')
  const three = [A, B, C].map((c) => c.installationId).sort()
  for (const client of [A, Bo])
    equal(await installations(client, A.inboxId), three, `installations of Alix as ${client.name} sees them`)
  const packages = await Bo.call('client.keyPackages', { ids: three })
  equal(Object.entries(packages).map(([id, p]) => [id, p.valid]).sort(), three.map((id) => [id, true]), 'key packages of Alix')

  // The calls that need no client.
  const yes = { inboxId: A.inboxId, address: A.address, installationId: B.installationId }
  equal(await Bo.call('client.authorized', yes), { address: true, installation: true }, 'what belongs to Alix')
  equal(await Bo.call('client.authorized', { ...yes, address: Bo.address, installationId: Bo.installationId }),
        { address: false, installation: false }, 'what belongs to Bo alone')
  equal((await Bo.call('client.inboxStates', { inboxIds: [A.inboxId, Bo.inboxId] })).map((s) => s.installations.sort()),
        [three, [Bo.installationId]], 'installations of two inboxes at once')
  equal((await Bo.call('client.latestInboxState', { inboxId: A.inboxId })).installations.sort(), three, 'the latest state of Alix')
  await refused(A.call('client.addContractAccount', { address: stranger }), 'a contract account that no chain vouches for')

  // Signatures by installation keys.
  const { signature } = await A.call('client.sign', { text: 'I am A' })
  equal(await Bo.call('client.verifySignature', { text: 'I am A', signature, installationId: A.installationId }),
        { valid: true }, 'the signature of A')
  equal(await Bo.call('client.verifySignature', { text: 'I am B', signature, installationId: A.installationId }),
        { valid: false }, 'the signature under another text')

  // A second account: both names lead to one inbox, until it is removed.
  const secondKey = newWalletKey()
  const { address: second } = await A.call('client.addAccount', { walletKey: secondKey })
  equal((await Bo.call('client.inboxState', { inboxId: A.inboxId, refresh: true })).identifiers.map((i) => i.identifier).sort(),
        [A.address, second].sort(), 'accounts of Alix')
  equal(await Bo.call('client.canMessage', { peers: [second] }), { [second]: true }, 'the second account')
  const dm = await Bo.call('conversations.newDm', { peer: { address: second } })
  equal(dm.peerInboxId, A.inboxId, 'whom the second account reaches')
  const D = await world.client('D', roles.A, { key: secondKey })
  equal(D.inboxId, A.inboxId, 'inbox of an installation made with the second account')
  await A.call('client.removeAccount', { address: second })
  equal((await Bo.call('client.inboxState', { inboxId: A.inboxId, refresh: true })).identifiers.map((i) => i.identifier),
        [A.address], 'accounts of Alix after the removal')
  equal(await Bo.call('client.canMessage', { peers: [second] }), { [second]: false }, 'the removed account')

  // Everything said so far outlives the node.
  await world.node.kill()
  await world.node.start()
  equal((await installations(Bo, A.inboxId)).length, 3, 'installations after the account and what it had added went')

  // Revocation of one, then of all others; who is out reads no more.
  equal(await A.call('client.revokeInstallations', { ids: [C.installationId] }), { revoked: [C.installationId] }, 'revoking C')
  equal(await installations(Bo, A.inboxId), [A, B].map((c) => c.installationId).sort(), 'installations without C')
  await A.call('client.revokeInstallations', { allOthers: true })
  equal(await installations(Bo, A.inboxId), [A.installationId], 'installations after revoking all others')
  await Bo.call('conversation.sync', { id: dm.id })
  await until('the chat leaves the revoked installations out', async () => {
    await Bo.send(dm.id, 'only A reads this')
    const alix = (await Bo.call('conversation.members', { id: dm.id })).find((m) => m.inboxId === A.inboxId)
    return alix.installations.length === 1
  }, { everyMs: 500 })
  await Bo.send(dm.id, 'the last word')
  await becomes('A reads on', true, async () => {
    await A.call('conversations.syncAll')
    return (await A.texts(dm.id)).includes('the last word')
  })
  await C.call('conversations.syncAll').catch(() => {})
  const leftToC = await C.messages(dm.id).catch(() => [])
  ok(!leftToC.some((m) => m.content.text === 'the last word'), 'C reads the last word')

  // The same without a client.
  const F = await world.client('F', roles.A, { sameAs: A })
  await F.call('client.revokeFromOutside', { inboxId: A.inboxId, ids: [F.installationId] })
  equal(await installations(Bo, A.inboxId), [A.installationId], 'installations after a revocation from outside')

  // The recovery identifier: the old one signs, then only the new one may revoke.
  const recovery = await wallet(newWalletKey())
  await A.call('client.changeRecoveryIdentifier', { address: recovery.address })
  equal((await Bo.call('client.inboxState', { inboxId: A.inboxId, refresh: true })).recoveryIdentifier, recovery.address,
        'recovery identifier of Alix')
  const E = await world.client('E', roles.A, { sameAs: A })
  await refused(A.call('client.revokeInstallations', { ids: [E.installationId] }), 'a revocation by the former recovery identifier')
  equal(await installations(Bo, A.inboxId), [A, E].map((c) => c.installationId).sort(), 'installations after the refused revocation')
}
