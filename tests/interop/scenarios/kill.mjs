// xmtui is killed, again and again, while it sends and receives.  Afterwards both sides have every text that
// was accepted for sending exactly once, and none twice.
import { equal, ok } from '../lib/check.mjs'
import { until } from '../lib/wait.mjs'
import { Random } from '../lib/random.mjs'

export const name = 'kill'

export const cases = [{ X: 'xmtui', Y: 'xmtui' }, { X: 'xmtui', Y: 'libxmtp' }]

const KILLS = Number(process.env.INTEROP_KILLS || 100)
const SEED = Number(process.env.INTEROP_SEED || 20240229)
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// The point is a number of answers to wait for and some milliseconds more; sometimes the program has not
// even finished its start.
async function oneLife(X, id, random, life, accepted, offered) {
  const early = random.next() < 0.2
  const answers = random.between(0, 6)
  const moreMs = random.next() * (early ? 120 : 25)
  X.launch()
  if (!early) {
    await X.call('client.info')
    await X.call('stream.start', { kinds: ['messages'] })
  }
  let answered = 0
  let enough
  const reached = new Promise((resolve) => { enough = resolve })
  for (let i = 0; i < 12; i++) {
    const text = `x ${life} ${i}`
    offered.add(text)
    X.call('conversation.send', { id, text }).then(({ messageId }) => {
      accepted.set(text, messageId)
      if (++answered >= answers)
        enough()
    }, () => enough())
  }
  if (!early && answers > 0)
    await reached
  await pause(moreMs)
  await X.kill()
}

function counts(texts) {
  const n = new Map()
  for (const text of texts)
    n.set(text, (n.get(text) ?? 0) + 1)
  return n
}

export async function run(world, roles) {
  const X = await world.client('X', roles.X)
  const Y = await world.client('Y', roles.Y)
  const { id } = await X.call('conversations.newDm', { peer: { inboxId: Y.inboxId } })
  await X.send(id, 'hello')
  await until('Y has the chat', async () => (await Y.call('conversations.list')).some((c) => c.id === id))
  await X.stop()

  const random = new Random(SEED)
  const accepted = new Map()
  const offered = new Set()
  const fromY = new Map()
  let over = false
  const writing = (async () => {
    for (let i = 0; !over; i++) {
      const text = `y ${i}`
      fromY.set(text, (await Y.call('conversation.send', { id, text })).messageId)
      await pause(20)
    }
  })()
  writing.catch(() => {})                        // looked at below, when it is awaited
  for (let life = 0; life < KILLS; life++)
    await oneLife(X, id, random, life, accepted, offered)
  over = true
  await writing
  console.log(`# ${KILLS} kills (seed ${SEED}); of ${offered.size} texts X had accepted ${accepted.size} before it died; ` +
              `meanwhile Y sent ${fromY.size}`)
  ok(accepted.size > 0, 'at least one text was accepted')

  await X.open()
  await until('the outbox of X is empty', async () => {
    await X.call('conversation.publish', { id })
    await X.call('conversation.sync', { id })
    return !(await X.messages(id)).some((m) => m.status === 'unpublished')
  }, { everyMs: 200 })
  await Y.call('conversation.sync', { id })
  await X.call('conversation.sync', { id })

  for (const client of [X, Y]) {
    const messages = (await client.messages(id)).filter((m) => m.content.text !== undefined)
    const have = counts(messages.map((m) => m.content.text))
    const idOf = new Map(messages.map((m) => [m.content.text, m.id]))
    equal([...have].filter(([, n]) => n > 1), [], `texts that ${client.label} has more than once`)
    for (const sent of [accepted, fromY]) {
      equal([...sent.keys()].filter((text) => !have.has(text)), [], `accepted texts that ${client.label} lacks`)
      equal([...sent].filter(([text, m]) => idOf.get(text) !== m), [], `texts that have another id at ${client.label}`)
    }
    equal([...have.keys()].filter((t) => t.startsWith('x ') && !offered.has(t)), [], 'texts from nowhere')
  }
}
