// xmtui beside libxmtp: the same work by each in turn, against the same xmtui-node, in one run.
//
// Every client is a process of its own behind a line-JSON pipe, as shipped: durable store, sync worker on.
// Times are taken here, so each holds one JSON line each way; those of the texts sent one by one are taken by
// bench-lines, which costs less.  Where libxmtp runs inside Node, whatever Node costs by itself is taken off: start
// and reopen count from when its modules are loaded, and memory has a second row without bare Node.  xmtui gets no
// such discount.
//
// BENCH_RUNS (3), BENCH_TEXTS (1000), BENCH_KINDS (xmtui,libxmtp).
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { until } from '../tests/interop/lib/wait.mjs'
import { World, command } from '../tests/interop/lib/world.mjs'
import { equal } from '../tests/interop/lib/check.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const benchLines = path.join(process.env.XM_BUILDDIR || path.resolve(here, '../build'), 'bench/bench-lines')
const RUNS = Number(process.env.BENCH_RUNS || 3)
const TEXTS = Number(process.env.BENCH_TEXTS || 1000)
const LATENCIES = 100
const KINDS = (process.env.BENCH_KINDS || 'xmtui,libxmtp').split(',')
const LONG = { deadlineMs: 600000 }

const ROWS = [
  ['register', 'ms'], ['create a DM', 'ms'], ['create a group of 10', 'ms'], ['create a group of 50', 'ms'],
  [`send ${TEXTS} texts, one by one`, 'ms'], [`receive ${TEXTS} texts by one sync`, 'ms'],
  ['stream latency p50', 'ms'], ['stream latency p95', 'ms'], ['reopen', 'ms'],
  ['memory after registering', 'MiB'], ['memory of the sender', 'MiB'], ['memory of the receiver', 'MiB'],
  ['memory of the receiver without bare Node', 'MiB'],
].map(([name, unit]) => ({ name, unit, values: Object.fromEntries(KINDS.map((kind) => [kind, []])) }))
const row = (name) => ROWS.find((r) => r.name === name)
const note = (name, kind, value) => row(name).values[kind].push(value)

async function timed(name, kind, work) {
  const begun = performance.now()
  const result = await work()
  note(name, kind, performance.now() - begun)
  return result
}

const residentMiB = (pid) => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024

// Node that has loaded nothing and waits for input, as a client does.
async function bareNodeMiB() {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("ready")'], { stdio: ['pipe', 'pipe', 'ignore'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const mib = residentMiB(child.pid)
  child.stdin.end()
  return mib
}

// What a start took: all of it for xmtui, for libxmtp what its library did.
const startMs = (client, wholeMs) => client.kind === 'libxmtp' ? client.info.openedMs : wholeMs

function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(p * sorted.length) - 1)]
}

// The texts, by a client that has been started anew: bench-lines and it alone, while the programs here wait.
async function sendOneByOne(client, id) {
  const lines = [['client.info'], ['conversations.list']]
  const untimed = lines.length
  for (let i = 0; i < TEXTS; i++)
    lines.push(['conversation.send', { id, text: `text number ${i}` }])
  const input = lines.map(([method, params], i) => JSON.stringify({ jsonrpc: '2.0', id: i, method, params }) + '\n')
  const out = await command([benchLines, String(untimed), ...client.commandLine], { env: client.env, input: input.join(''), ...LONG })
  const answers = out.trim().split('\n').map((line) => JSON.parse(line))
  const measured = answers.pop()
  equal(answers.map((a) => a.id), lines.map((_, i) => i), 'an answer to each request')
  equal(answers[0].result.version, client.info.version, 'who sent them')
  for (const { result } of answers.slice(untimed))
    equal(result.status, 'published', 'a text counts when the node has it')
  return measured
}

async function oneRun(world, kind, run, people) {
  const make = async (name) => {
    const client = await world.client(`${kind}-${run}-${name}`, kind)
    note('register', kind, startMs(client, client.createdMs))
    return client
  }
  const sender = await make('sender')
  note('memory after registering', kind, residentMiB(sender.pid))
  const receiver = await make('receiver')

  const invited = (n) => people.slice(0, n - 1).map((inboxId) => ({ inboxId }))
  const dm = await timed('create a DM', kind, () => sender.call('conversations.newDm', { peer: { inboxId: receiver.inboxId } }))
  for (const n of [10, 50])
    await timed(`create a group of ${n}`, kind, () => sender.call('conversations.newGroup', { peers: invited(n), name: `${n}` }, LONG))
  await until('the receiver has the chat', async () =>
    (await receiver.call('conversations.list')).some((c) => c.id === dm.id))
  await receiver.call('conversation.sync', { id: dm.id })

  await sender.stop()
  const sent = await sendOneByOne(sender, dm.id)
  note(`send ${TEXTS} texts, one by one`, kind, sent.ms)
  note('memory of the sender', kind, sent.residentKiB / 1024)
  await sender.open()
  await timed(`receive ${TEXTS} texts by one sync`, kind, () => receiver.call('conversation.sync', { id: dm.id }, LONG))
  equal((await receiver.texts(dm.id)).length, TEXTS, `texts that ${receiver.label} has`)
  const resident = residentMiB(receiver.pid)
  note('memory of the receiver', kind, resident)
  note('memory of the receiver without bare Node', kind, kind === 'libxmtp' ? resident - await bareNodeMiB() : resident)

  await receiver.call('stream.start', { kinds: ['messages'] })
  const latencies = []
  for (let i = 0; i < LATENCIES; i++) {
    const text = `latency ${i}`
    const begun = performance.now()
    const arrival = receiver.waitEvent(text, (e) => e.kind === 'message' && e.data.content.text === text)
    await sender.call('conversation.send', { id: dm.id, text })
    latencies.push((await arrival).atMs - begun)
  }
  note('stream latency p50', kind, percentile(latencies, 0.5))
  note('stream latency p95', kind, percentile(latencies, 0.95))

  await receiver.stop()
  const begun = performance.now()
  await receiver.open()
  note('reopen', kind, startMs(receiver, performance.now() - begun))
  await receiver.stop()
  await sender.stop()
}

function print() {
  const cell = ({ unit, values }, kind) => {
    const v = values[kind]
    if (!v?.length)
      return '-'
    const digits = percentile(v, 0.5) < 100 ? 1 : 0
    return `${percentile(v, 0.5).toFixed(digits)} ${unit} (${Math.min(...v).toFixed(digits)}-${Math.max(...v).toFixed(digits)})`
  }
  const table = [['Figure: median (least-most)', ...KINDS, 'libxmtp / xmtui']]
  for (const r of ROWS) {
    const [ours, theirs] = ['xmtui', 'libxmtp'].map((kind) => r.values[kind]?.length ? percentile(r.values[kind], 0.5) : NaN)
    table.push([r.name, ...KINDS.map((kind) => cell(r, kind)), Number.isFinite(theirs / ours) ? `${(theirs / ours).toFixed(1)}x` : '-'])
  }
  const widths = table[0].map((_, i) => Math.max(...table.map((line) => line[i].length)))
  table.forEach((line, i) => {
    console.log(`| ${line.map((text, c) => c ? text.padStart(widths[c]) : text.padEnd(widths[c])).join(' | ')} |`)
    if (i === 0)
      console.log(`|${widths.map((w, c) => '-'.repeat(w + 1) + (c ? ':' : '-')).join('|')}|`)
  })
}

const world = await World.create('bench')
let failed = false
try {
  // The members of the large groups: inboxes in one process, which then ends.
  const people = JSON.parse(await command([process.execPath, path.join(here, 'people.mjs'), world.node.url, '49'], LONG))
  for (let run = 1; run <= RUNS; run++) {
    for (const kind of run % 2 ? KINDS : [...KINDS].reverse()) {
      console.error(`run ${run} of ${RUNS}: ${kind}`)
      await oneRun(world, kind, run, people)
    }
  }
  console.log(`${RUNS} runs, Node ${process.version}, ${TEXTS} texts, one xmtui-node for both`)
  print()
} catch (error) {
  failed = true
  console.error(error.stack)
}
const kept = await world.end({ failed })
if (failed)
  console.error(kept)
process.exit(failed ? 1 : 0)
