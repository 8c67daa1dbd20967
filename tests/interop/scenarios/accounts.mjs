// More accounts of one person and the recovery identifier, made by one program and seen by the other: an account
// leads to the inbox until it is removed, takes along the installations made with it, and the recovery identifier
// alone revokes.  With a wallet elsewhere the text to sign is handed out.
import { becomes, equal, refused } from '../lib/check.mjs'
import { newWalletKey, wallet } from '../lib/wallet.mjs'

export const name = 'accounts'

export const cases = [
  { A: 'xmtui', B: 'libxmtp', D: 'libxmtp', Bo: 'libxmtp' },
  { A: 'xmtui', B: 'xmtui', D: 'xmtui', Bo: 'libxmtp' },
  { A: 'libxmtp', B: 'xmtui', D: 'xmtui', Bo: 'xmtui' },
]

const stateOf = (client, inboxId) => client.call('client.inboxState', { inboxId, refresh: true })
const accounts = async (client, inboxId) => (await stateOf(client, inboxId)).identifiers.map((i) => i.identifier).sort()
const installations = async (client, inboxId) => (await stateOf(client, inboxId)).installations.map((i) => i.id).sort()

// Calls once for the text, has the wallet sign it, and calls again.
async function signedBy(key, client, method, params) {
  try {
    await client.call(method, params)
  } catch (error) {
    equal(error.code, 'signature_needed', `${client.label}: ${method}`)
    const signature = '0x' + Buffer.from(await (await wallet(key)).sign(error.data.text)).toString('hex')
    return client.call(method, { ...params, requestId: error.data.requestId, signature })
  }
  throw new Error(`${client.label}: ${method} needed no signature`)
}

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const B = await world.client('B', roles.B, { sameAs: A })
  const Bo = await world.client('Bo', roles.Bo)
  const everybody = [A, B, Bo]

  const secondKey = newWalletKey()
  const second = (await wallet(secondKey)).address
  equal((await A.call('client.addAccount', { walletKey: secondKey })).address, second, 'the account that was added')
  const expected = [A.address, second]
  if (roles.A === 'xmtui') {
    const thirdKey = newWalletKey()
    const third = (await wallet(thirdKey)).address
    await signedBy(thirdKey, A, 'client.addAccount', { address: third })
    expected.push(third)
  }
  for (const client of everybody)
    equal(await accounts(client, A.inboxId), [...expected].sort(), `accounts of Alix as ${client.label} sees them`)
  equal(await Bo.call('client.canMessage', { peers: [second] }), { [second]: true }, 'the second account')
  const dm = await Bo.call('conversations.newDm', { peer: { address: second } })
  equal(dm.peerInboxId, A.inboxId, 'whom the second account reaches')

  // The other program registers with it, and goes when it is removed.
  const D = await world.client('D', roles.D, { key: secondKey })
  equal(D.inboxId, A.inboxId, 'inbox of an installation made with the second account')
  equal(await installations(Bo, A.inboxId), [A, B, D].map((c) => c.installationId).sort(), 'installations of Alix')
  await A.call('client.removeAccount', { address: second })
  for (const client of everybody) {
    equal(await accounts(client, A.inboxId), expected.filter((a) => a !== second).sort(),
          `accounts of Alix after the removal as ${client.label} sees them`)
    equal(await installations(client, A.inboxId), [A, B].map((c) => c.installationId).sort(),
          `installations of Alix after the removal as ${client.label} sees them`)
  }
  equal(await Bo.call('client.canMessage', { peers: [second] }), { [second]: false }, 'the removed account')

  // What is said to Alix still arrives.
  const sent = await Bo.send(dm.id, 'to all that are left')
  for (const client of [A, B])
    await becomes(`${client.label}: the message`, true, async () => {
      await client.call('conversations.syncAll')
      return (await client.messages(dm.id)).some((m) => m.id === sent)
    })

  // The former recovery identifier signs its successor in; from then on only that one revokes.
  const recoveryKey = newWalletKey()
  const recovery = (await wallet(recoveryKey)).address
  await A.call('client.changeRecoveryIdentifier', { address: recovery })
  for (const client of everybody)
    equal((await stateOf(client, A.inboxId)).recoveryIdentifier, recovery, `recovery identifier as ${client.label} sees it`)
  const revoke = { ids: [B.installationId] }
  if (roles.A === 'xmtui')
    equal(await signedBy(recoveryKey, A, 'client.revokeInstallations', revoke), { revoked: [B.installationId] }, 'revoking B')
  else
    await refused(A.call('client.revokeInstallations', revoke), 'a revocation by the former recovery identifier')
  equal(await installations(Bo, A.inboxId), (roles.A === 'xmtui' ? [A] : [A, B]).map((c) => c.installationId).sort(),
        'installations in the end')
}
