#!/usr/bin/env node
// One real libxmtp client as a process of its own, with the JSON-RPC of `xmtui rpc`: one object a line on
// standard input and output.  A scenario so asks for a role to be played without saying by whom.
//
//   XMTP_WALLET_KEY=0x… node peer.mjs --home DIR --node URL [--no-worker] [--notification]
//
// The client is opened, and registered where it was not, before the first request is answered.  Calls run
// concurrently.  End of input ends the process after the work in hand.
import { parseArgs } from 'node:util'
import { onLines } from './lib/lines.mjs'
import { load } from './lib/modules.mjs'
import { open, methods as client } from './peer/client.mjs'
import { methods as conversations } from './peer/conversations.mjs'
import { methods as preferences } from './peer/preferences.mjs'

const { values: options } = parseArgs({
  options: {
    home: { type: 'string' }, node: { type: 'string' }, 'no-worker': { type: 'boolean' }, notification: { type: 'boolean' },
  },
})
if (!options.home || !options.node || !process.env.XMTP_WALLET_KEY) {
  console.error('usage: XMTP_WALLET_KEY=0x… node peer.mjs --home DIR --node URL [--no-worker] [--notification]')
  process.exit(2)
}

const methods = { ...client, ...conversations, ...preferences }
const write = (message) => process.stdout.write(
  JSON.stringify({ jsonrpc: '2.0', ...message }, (_, v) => typeof v === 'bigint' ? String(v) : v) + '\n')
const notify = (method, params) => write({ method, params })

// The code that xmtui would give, for the few errors that scenarios tell apart.
function codeOf(error) {
  if (typeof error.code === 'string' && /^[a-z_]+$/.test(error.code))
    return error.code
  const text = String(error.message)
  if (/not found|NotFound/i.test(text))
    return 'not_found'
  if (/InsufficientPermissions|insufficient permission/i.test(text))
    return 'denied'
  return 'internal'
}

async function openClient() {
  const bindings = await load('@xmtp/node-bindings')
  await load('viem/accounts')
  const begun = performance.now()                // what Node takes to load all that is no work of the client
  const context = await open(bindings, {
    home: options.home, url: options.node, key: process.env.XMTP_WALLET_KEY, worker: !options['no-worker'],
    clientMode: options.notification ? 'Notification' : undefined,
  })
  context.openedMs = performance.now() - begun
  return context
}
const opened = openClient()
opened.catch((error) => {
  console.error(`cannot open the client: ${error.stack ?? error}`)
  process.exit(1)
})

const inHand = new Set()
async function answer({ id, method, params = {} }) {
  try {
    if (!methods[method]) {
      write({ id, error: { code: -32601, message: `no method ${method}` } })
      return
    }
    write({ id, result: await methods[method](await opened, params, notify) ?? {} })
  } catch (error) {
    write({ id, error: { code: -32000, message: String(error.message ?? error), data: { code: codeOf(error), retryable: false } } })
  }
}

onLines(process.stdin, (line) => {
  let request
  try {
    request = JSON.parse(line)
  } catch {
    write({ id: null, error: { code: -32700, message: 'not JSON' } })
    return
  }
  const work = answer(request).finally(() => inHand.delete(work))
  inHand.add(work)
})
process.stdin.on('end', async () => {
  await Promise.all(inHand)
  process.stdout.write('', () => process.exit(0))      // the workers of libxmtp never end by themselves
})
