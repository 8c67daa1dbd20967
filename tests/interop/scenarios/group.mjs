// A group of three people on five installations, both programs mixed, made by either.  Texts, replies and
// reactions from all are read by all, and after every step all agree on epoch and epoch authenticator.
import { becomes, equal, ok } from '../lib/check.mjs'
import { meet } from '../lib/installations.mjs'
import { until } from '../lib/wait.mjs'
import { other } from '../lib/world.mjs'

export const name = 'group'

const mixed = (kind) => ({ A: kind, B: other(kind), Bo: other(kind), Bo2: kind, Caro: other(kind) })
export const cases = [mixed('xmtui'), mixed('libxmtp')]

// Everybody syncs until epoch and authenticator are the same with all.
async function agree(what, clients, id) {
  let seen
  await until(`all agree: ${what}`, async () => {
    seen = []
    for (const client of clients) {
      await client.call('conversation.sync', { id })
      const { epoch, epochAuthenticator, forked } = await client.call('conversation.debug', { id })
      ok(epochAuthenticator, `${client.label} has an epoch authenticator`)
      ok(!forked, `${client.label} forked`)
      seen.push(`${epoch} ${epochAuthenticator}`)
    }
    return new Set(seen).size === 1
  }, { everyMs: 100 }).catch((error) => {
    throw new Error(`${error.message}\n${clients.map((c, i) => `  ${c.label}: ${seen[i]}`).join('\n')}`)
  })
}

const said = async (client, id) => (await client.messages(id))
  .filter((m) => m.kind === 'application').map((m) => [m.id, m.senderInboxId, m.contentType, m.content])

// What the commits said, as every client tells it: who came and went, what was renamed.  Whoever was away for
// a while has not seen all.
async function sameTranscript(what, clients, id) {
  const transcript = async (client) => (await client.messages(id)).filter((m) => m.kind === 'membershipChange')
    .slice(1).map((m) => [m.id, m.senderInboxId, m.content])
  const first = await transcript(clients[0])
  ok(first.length >= 6, `commits to tell of: ${first.length}`)
  for (const client of clients.slice(1))
    equal(await transcript(client), first, `${what}: ${client.label} beside ${clients[0].label}`)
}

async function allRead(what, clients, id, count) {
  for (const client of clients)
    await becomes(`${client.label} has ${count} messages: ${what}`, count, async () => {
      await client.call('conversation.sync', { id })
      return (await said(client, id)).length
    })
  const first = await said(clients[0], id)
  for (const client of clients.slice(1))
    equal(await said(client, id), first, `${what}: ${client.label} beside ${clients[0].label}`)
}

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const B = await world.client('B', roles.B, { sameAs: A })
  const Bo = await world.client('Bo', roles.Bo)
  const Bo2 = await world.client('Bo2', roles.Bo2, { sameAs: Bo })
  const Caro = await world.client('Caro', roles.Caro)
  const all = [A, B, Bo, Bo2, Caro]
  await meet(A, B)
  await meet(Bo, Bo2)

  const { id } = await A.call('conversations.newGroup', {
    peers: [{ inboxId: Bo.inboxId }, { address: Caro.address }], name: 'five', description: 'of three people',
  })
  for (const client of all)
    await until(`${client.label}: the group`, async () => (await client.call('conversations.list')).some((c) => c.id === id))
  for (const client of all)
    equal((await client.call('conversation.get', { id })).name, 'five', `name at ${client.label}`)
  await agree('after creation', all, id)

  const ids = []
  for (const client of all) {
    ids.push(await client.send(id, `text of ${client.name}`))
    await agree(`after the text of ${client.label}`, all, id)
  }
  await allRead('texts', all, id, 5)
  for (const [i, client] of all.entries()) {
    const reference = ids[(i + 1) % 5]
    await client.call('conversation.send', { id, content: { type: 'reply', reference, text: `reply of ${client.name}` } })
    await client.call('conversation.send', { id, content: { type: 'reaction', reference, emoji: '👍', action: 'added' } })
  }
  await allRead('replies and reactions', all, id, 15)
  const contents = (await said(Caro, id)).map(([, , , content]) => content)
  for (const [i, client] of all.entries())
    ok(contents.some((c) => c.text === `reply of ${client.name}` && c.reference === ids[(i + 1) % 5]), `reply of ${client.label}`)
  equal(contents.filter((c) => c.emoji === '👍' && c.action === 'added').length, 5, 'reactions')
  await agree('after replies and reactions', all, id)

  // Metadata, by the creator's other installation and by a plain member.
  await B.call('conversation.update', { id, name: 'five and more' })
  await agree('after B renamed', all, id)
  await Bo2.call('conversation.update', { id, description: 'described by Bo2' })
  await agree('after Bo2 described', all, id)
  for (const client of all) {
    const at = await client.call('conversation.get', { id })
    equal([at.name, at.description], ['five and more', 'described by Bo2'], `metadata at ${client.label}`)
  }

  // Two commits at once: the node takes both, one epoch wins, the other is made again.
  await Promise.all([A.call('conversation.update', { id, name: 'by A' }), Bo.call('conversation.update', { id, description: 'by Bo' })])
  await agree('after two commits at once', all, id)
  for (const client of all) {
    const at = await client.call('conversation.get', { id })
    equal([at.name, at.description], ['by A', 'by Bo'], `metadata after two commits at ${client.label}`)
  }

  // Roles, and a member gone and back.
  await A.call('conversation.setRole', { id, peer: { inboxId: Bo.inboxId }, role: 'admin' })
  await agree('after the appointment', all, id)
  for (const client of all)
    equal((await client.call('conversation.members', { id })).find((m) => m.inboxId === Bo.inboxId).level, 'admin',
          `Bo's level at ${client.label}`)
  const four = all.slice(0, 4)
  await Bo2.call('conversation.removeMembers', { id, peers: [{ inboxId: Caro.inboxId }] })
  await agree('after the removal', four, id)
  await Caro.call('conversation.sync', { id }).catch(() => {})
  equal((await Caro.call('conversation.get', { id })).active, false, 'the group at Caro is active')
  await B.call('conversation.addMembers', { id, peers: [{ inboxId: Caro.inboxId }] })
  await becomes('Caro is back', true, async () => {
    await Caro.call('conversations.syncAll')
    return (await Caro.call('conversation.get', { id })).active
  })
  await agree('after Caro came back', all, id)
  const back = await Caro.send(id, 'Caro is back')
  for (const client of all)
    await becomes(`${client.label} reads that Caro is back`, true, async () => {
      await client.call('conversation.sync', { id })
      return (await said(client, id)).some(([m]) => m === back)
    })

  await sameTranscript('the commits so far', four, id)

  // An installation more, which the other one of the same person brings in, and its revocation.
  const Bo3 = await world.client('Bo3', roles.A, { sameAs: Bo })
  await meet(Bo, Bo3)
  await until('Bo3 has the group', async () => (await Bo3.call('conversations.list')).some((c) => c.id === id), { everyMs: 200 })
  await agree('with Bo3', [...all, Bo3], id)
  await Bo3.send(id, 'text of Bo3')
  await agree('after the text of Bo3', [...all, Bo3], id)
  await Bo.call('client.revokeInstallations', { ids: [Bo3.installationId] })
  await until('Bo3 is out', async () => {
    await A.send(id, 'a text, at which A looks for changes')
    return (await A.call('conversation.debug', { id })).leaves === 5
  }, { everyMs: 500 })
  await agree('without Bo3', all, id)
}
