// A stranger's preferences group.  Mallory adds other people to her own preferences group and writes consent
// and HMAC keys into it.  libxmtp takes them, which shows that the attack is real; xmtui must not.
import { becomes, equal } from '../lib/check.mjs'
import { primaryGroup } from '../lib/installations.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'hostile'

export const cases = [{ Mallory: 'libxmtp', Victim: 'libxmtp', A: 'xmtui' }]

export async function run(world, roles) {
  const Victim = await world.client('Victim', roles.Victim)
  const A = await world.client('A', roles.A)
  const friend = await world.client('Friend', roles.Victim)
  const Mallory = await world.client('Mallory', roles.Mallory)

  // A chat, so that A has HMAC keys to compare.
  const { id } = await friend.call('conversations.newDm', { peer: { inboxId: A.inboxId } })
  await until('A has the chat', async () => (await A.call('conversations.list')).some((c) => c.id === id))
  const keys = await A.call('conversations.hmacKeys')
  const groups = (await A.call('preferences.state')).groups.map((g) => g.id).sort()
  const listed = (await A.call('conversations.list')).map((c) => c.id).sort()

  const group = await primaryGroup(Mallory)
  await Mallory.call('conversation.addMembers', { id: group, peers: [{ inboxId: Victim.inboxId }, { inboxId: A.inboxId }] })
  const { subscription } = await A.call('stream.start')
  A.events.length = 0
  await Mallory.call('preferences.setConsent', { records: [{ entityType: 'inboxId', entity: friend.inboxId, state: 'denied' }] })
  await Mallory.call('client.revokeInstallations', { ids: [(await world.client('Mallory2', roles.Mallory, { sameAs: Mallory })).installationId] })

  await becomes('the attack works on libxmtp', 'denied', async () => {
    await Victim.call('preferences.sync')
    return Victim.consentOf('inboxId', friend.inboxId)
  })

  // A reads the network by every way there is, twice, then looks.
  for (let round = 0; round < 2; round++)
    for (const way of ['preferences.sync', 'conversations.sync', 'conversations.syncAll'])
      await A.call(way)
  await friend.send(id, 'are you there?')
  await A.waitEvent('the stream goes on', (e) => e.kind === 'message' && e.data.content.text === 'are you there?')
  await A.call('stream.stop', { subscription })
  equal(await A.consentOf('inboxId', friend.inboxId), 'unknown', 'the friend of A')
  equal(A.events.filter((e) => e.kind === 'consent' || e.kind === 'preferences'), [], 'events about preferences at A')
  equal(await A.call('conversations.hmacKeys'), keys, 'HMAC keys of A')
  equal((await A.call('preferences.state')).groups.map((g) => g.id).sort(), groups, 'preferences groups of A')
  equal((await A.call('conversations.list')).map((c) => c.id).sort(), listed, 'conversations of A')
}
