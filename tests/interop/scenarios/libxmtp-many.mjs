// libxmtp alone, many installations: X-Wing welcomes, welcome pointers (used from three installations on),
// preference sync among them, HMAC keys, and installations that come later.
import { becomes, equal, ok } from '../lib/check.mjs'
import { meet } from '../lib/installations.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'libxmtp-many'

export const cases = [{ A: 'libxmtp', B: 'libxmtp', C: 'libxmtp', D: 'libxmtp', Bo: 'libxmtp', Bo2: 'libxmtp' }]

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const B = await world.client('B', roles.B, { sameAs: A })
  const C = await world.client('C', roles.C, { sameAs: A })
  const Bo = await world.client('Bo', roles.Bo)
  const Bo2 = await world.client('Bo2', roles.Bo2, { sameAs: Bo })
  const all = [A, B, C, Bo2]

  // Four installations to invite: one welcome and four pointers to it.
  const before = await Bo.call('client.statistics')
  const group = await Bo.call('conversations.newGroup', { peers: [{ inboxId: A.inboxId }], name: 'pointers' })
  const dm = await Bo.call('conversations.newDm', { peer: { inboxId: A.inboxId } })
  ok((await Bo.call('client.statistics')).sendWelcomeMessages > before.sendWelcomeMessages, 'welcomes were sent')
  for (const client of all)
    for (const { id } of [group, dm])
      await until(`${client.name}: ${id}`, async () => (await client.call('conversations.list')).some((c) => c.id === id))
  for (const client of [Bo, ...all])
    await client.send(group.id, `from ${client.name}`)
  for (const client of [Bo, ...all])
    await becomes(`${client.name} reads everybody`, [Bo, ...all].map((c) => `from ${c.name}`), async () => {
      await client.call('conversation.sync', { id: group.id })
      return client.texts(group.id)
    })
  const epochs = await Promise.all([Bo, ...all].map(async (client) => {
    const { epoch, epochAuthenticator } = await client.call('conversation.debug', { id: group.id })
    return `${epoch} ${epochAuthenticator}`
  }))
  equal(new Set(epochs).size, 1, `number of different epochs: ${epochs}`)

  // A fourth installation, with the group, the chat and one HMAC key for all four.
  const D = await world.client('D', roles.D, { sameAs: A })
  for (const client of [A, B, C])
    await meet(client, D)
  for (const { id } of [group, dm])
    await until(`D: ${id}`, async () => (await D.call('conversations.list')).some((c) => c.id === id), { everyMs: 200 })
  await until('four equal sets of HMAC keys', async () => {
    const keys = []
    for (const client of [A, B, C, D]) {
      await client.call('preferences.sync')
      keys.push(JSON.stringify(Object.entries(await client.call('conversations.hmacKeys')).sort()))
    }
    return new Set(keys).size === 1 && Object.keys(await A.call('conversations.hmacKeys')).length === 2
  }, { everyMs: 200 })
  const alone = await A.call('conversation.hmacKeys', { id: dm.id })
  equal(alone[dm.id], (await A.call('conversations.hmacKeys'))[dm.id], 'HMAC keys of one conversation')

  // A revocation brings a new HMAC key to those who stay.
  const old = JSON.stringify(await A.call('conversations.hmacKeys'))
  await A.call('client.revokeInstallations', { ids: [D.installationId] })
  await until('a new HMAC key on A, B and C', async () => {
    const keys = []
    for (const client of [A, B, C]) {
      await client.call('preferences.sync')
      keys.push(JSON.stringify(Object.entries(await client.call('conversations.hmacKeys')).sort()))
    }
    return new Set(keys).size === 1 && JSON.stringify(await A.call('conversations.hmacKeys')) !== old
  }, { everyMs: 200 })
}
