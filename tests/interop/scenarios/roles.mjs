// Nobody plays another's role: libxmtp in the place of xmtui, below a program that calls itself xmtui, is found
// out however it was started, and before it can have helped.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ok } from '../lib/check.mjs'
import { newWalletKey } from '../lib/wallet.mjs'
import { Client, programs } from '../lib/world.mjs'

export const name = 'roles'

export const cases = [{ A: 'xmtui', B: 'libxmtp' }]

const standIn = path.join(path.dirname(fileURLToPath(import.meta.url)), '../lib/stand-in.mjs')

async function foundOut(client, what, run) {
  const said = await run(client).then(() => 'nothing', (error) => error.message)
  await client.rpc?.kill()
  ok(said.includes('is played by the other program'), `${what}: ${said}`)
}

export async function run(world, roles) {
  await world.client('A', roles.A)
  await world.client('B', roles.B)
  const xmtui = programs.xmtui
  programs.xmtui = [process.execPath, standIn]
  try {
    const impostor = (n) => new Client(world, `impostor${n}`, 'xmtui', newWalletKey())
    await foundOut(impostor(1), 'a command', (c) => c.create())
    await foundOut(impostor(2), 'a start that is waited for', (c) => c.open())
    await foundOut(impostor(3), 'one that is not', async (c) => {
      c.launch()
      await c.call('client.info')
    })
    for (const end of ['kill', 'stop']) {
      await foundOut(impostor(end), `one that answered nobody, at its end by ${end}`, async (c) => {
        c.launch()
        await c.rpc.call('client.info')
        await c[end]()
      })
    }
  } finally {
    programs.xmtui = xmtui
  }
}
