// The node is killed and started again under a running stream: the stream comes back by itself, nothing is
// lost or doubled, and what was written meanwhile is sent.
import { becomes, equal, ok } from '../lib/check.mjs'
import { until } from '../lib/wait.mjs'

export const name = 'node-restart'

export const cases = [{ A: 'xmtui', Bo: 'xmtui' }, { A: 'xmtui', Bo: 'libxmtp' }]

const isText = (text) => (e) => e.kind === 'message' && e.data.content.text === text

export async function run(world, roles) {
  const A = await world.client('A', roles.A)
  const Bo = await world.client('Bo', roles.Bo)
  const { id } = await A.call('conversations.newDm', { peer: { inboxId: Bo.inboxId } })
  await A.send(id, 'hello')
  await Bo.call('conversations.syncAll')
  await A.call('stream.start')
  for (let round = 0; round < 3; round++) {
    await Bo.send(id, `before ${round}`)
    await A.waitEvent(`before ${round}`, isText(`before ${round}`))

    await world.node.kill()
    await A.waitEvent('the stream is cut', (e) => e.kind === 'network' && e.data.state !== 'live')
    equal((await A.call('conversation.send', { id, text: `offline ${round}` })).status, 'unpublished', 'a text without a node')
    await world.node.start()

    await until('Bo sends again', () => Bo.send(id, `after ${round}`), { everyMs: 200 })
    await A.waitEvent(`after ${round}`, isText(`after ${round}`), { deadlineMs: 90000 })
    await becomes(`Bo has what A wrote offline`, true, async () => {
      await Bo.call('conversation.sync', { id })
      return (await Bo.texts(id)).includes(`offline ${round}`)
    }, { deadlineMs: 90000 })
  }
  const streamed = A.events.filter((e) => e.kind === 'message').map((e) => e.data.id)
  equal(streamed.length, new Set(streamed).size, 'messages that the stream brought, and different ones among them')
  for (const client of [A, Bo]) {
    await client.call('conversation.sync', { id })
    const texts = await client.texts(id)
    for (const what of ['before', 'offline', 'after'])
      for (let round = 0; round < 3; round++)
        ok(texts.filter((t) => t === `${what} ${round}`).length >= 1, `${client.label} has "${what} ${round}"`)
    equal(texts.filter((t) => t.startsWith('offline')).length, 3, `offline texts at ${client.label}`)
  }
}
