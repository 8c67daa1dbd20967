// What libxmtp does with itself in libxmtp-chats, with both programs mixed: content types, metadata, roles,
// members coming and going, leaving, expiry, streams, and more messages than fit a page.
import { comingAndGoing, everyContentType, expiry, metadata, pages, peers, roles, streams } from '../lib/talk.mjs'

export const name = 'chats'

export const cases = [
  { A: 'xmtui', Bo: 'libxmtp', Caro: 'xmtui', Dan: 'libxmtp' },
  { A: 'libxmtp', Bo: 'xmtui', Caro: 'libxmtp', Dan: 'xmtui' },
]

export async function run(world, played) {
  const [A, Bo, Caro, Dan] = [await world.client('A', played.A), await world.client('Bo', played.Bo),
                              await world.client('Caro', played.Caro), await world.client('Dan', played.Dan)]
  const dm = await A.call('conversations.newDm', { peer: { address: Bo.address } })
  await A.send(dm.id, 'first')
  await Bo.call('conversations.syncAll')
  const group = await A.call('conversations.newGroup', { peers: peers(Bo, Caro), name: 'three' })
  for (const client of [Bo, Caro])
    await client.call('conversations.syncAll')

  for (const id of [dm.id, group.id])
    for (const [from, to] of [[A, Bo], [Bo, A]])
      await everyContentType(from, to, id)
  await metadata(A, Bo, group.id)
  await roles(A, Bo, Caro, group.id)
  await comingAndGoing(A, Bo, Caro, Dan, group.id)
  for (const id of [dm.id, group.id])
    await expiry(A, Bo, id)
  await streams(A, Bo, Caro)
  await pages(A, Bo, dm.id)
}
