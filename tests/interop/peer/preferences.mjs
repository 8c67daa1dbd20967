// `preferences.*` and `stream.*` of one libxmtp client.
import { consentRecords, preferences } from './database.mjs'
import { conversationsOfPeer } from './conversations.mjs'
import * as shape from './shapes.mjs'

// libxmtp blocks nothing by itself: a person is an inbox record and one for every 1:1 chat with it,
// duplicates included.  Applications write them; this does as they do.
async function decide(ctx, targets, state) {
  const records = []
  const n = shape.number(shape.CONSENT, state, 'state')
  for (const target of targets) {
    const text = typeof target === 'string' ? target : target.inboxId ?? target.address
    const inboxId = text.startsWith('0x')
      ? await ctx.client.findInboxIdByIdentifier({ identifier: text.toLowerCase(), identifierKind: 0 }) : text
    records.push({ entityType: 1, entity: inboxId, state: n })
    for (const dm of conversationsOfPeer(ctx, inboxId))
      records.push({ entityType: 0, entity: dm.id(), state: n })
  }
  await ctx.client.setConsentStates(records)
  return { records: records.map(shape.record) }
}

// Opens one kind of stream; `emit(kind, data)` per item, `failed` when it ends with an error.
const streams = {
  messages: ({ conversations }, emit, failed, states) =>
    conversations.streamAllMessages((error, m) => error ? failed(error) : emit('message', shape.message(m)), failed, undefined, states),
  conversations: ({ conversations }, emit, failed) =>
    conversations.stream((error, c) => error ? failed(error)
      : shape.conversation(c).then((data) => emit('conversation', data), failed), failed),
  consent: ({ conversations }, emit, failed) =>
    conversations.streamConsent((error, list) => error ? failed(error)
      : list.forEach((r) => emit('consent', shape.record(r))), failed),
  preferences: ({ conversations }, emit, failed) =>
    conversations.streamPreferences((error, list) => error ? failed(error)
      : list.forEach((u) => emit('preferences', u.type === 'HmacKeyUpdate'
        ? { type: 'hmacKey', key: Buffer.from(u.key).toString('hex') }
        : { type: 'consent', ...shape.record(u.consent) })), failed),
  deletions: ({ conversations }, emit) =>
    conversations.streamMessageDeletions((error, m) => { if (!error) emit('deletion', { id: m.id }) }),
}
const ALL = ['messages', 'conversations', 'consent', 'preferences']

export const methods = {
  'preferences.sync': async ({ client }) => {
    const { numEligible, numSynced } = await client.syncPreferences()
    return { eligible: numEligible, synced: numSynced }
  },

  'preferences.setConsent': async ({ client }, { records }) => {
    await client.setConsentStates(records.map((r) => ({
      entityType: shape.number(shape.ENTITY, r.entityType, 'entityType'), entity: r.entity,
      state: shape.number(shape.CONSENT, r.state, 'state'),
    })))
    return { changed: records.length }
  },

  'preferences.getConsent': async ({ client }, { entityType, entity }) => ({
    state: shape.CONSENT[await client.getConsentState(shape.number(shape.ENTITY, entityType, 'entityType'), entity)],
  }),

  // In the database conversation is 1 and inbox 2, one more than in the bindings.
  'preferences.list': async ({ file }) => (await consentRecords(file)).map((r) => ({
    entityType: shape.ENTITY[r.type - 1], entity: r.entity, state: shape.CONSENT[r.state], consentedAtNs: r.ns,
  })),

  'preferences.state': ({ file }) => preferences(file),

  'preferences.allow': (ctx, { targets }) => decide(ctx, targets, 'allowed'),
  'preferences.block': (ctx, { targets }) => decide(ctx, targets, 'denied'),
  'preferences.reset': (ctx, { targets }) => decide(ctx, targets, 'unknown'),

  // Answers once every subscription is live.
  'stream.start': async (ctx, { kinds = ALL, consentStates }, notify) => {
    const subscription = `s${ctx.nextStream = (ctx.nextStream ?? 0) + 1}`
    const emit = (kind, data) => notify('stream.event', { subscription, kind, data })
    const failed = (error) => { if (error) emit('network', { state: 'offline', message: String(error.message ?? error) }) }
    const closers = []
    for (const kind of kinds) {
      const closer = await streams[kind](ctx, emit, failed, shape.states(consentStates))
      await closer.waitForReady()
      closers.push(closer)
    }
    ctx.streams.set(subscription, closers)
    return { subscription }
  },

  'stream.stop': async (ctx, { subscription }) => {
    await Promise.all((ctx.streams.get(subscription) ?? []).map((closer) => closer.endAndWait()))
    ctx.streams.delete(subscription)
    return {}
  },
}
