// One scenario's world: a folder, a node, and clients that are either xmtui or libxmtp.
import { mkdtempSync, mkdirSync, rmSync, createWriteStream, existsSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { spawn } from 'node:child_process'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { Node } from './node.mjs'
import { holdsLibxmtp, newMark } from './player.mjs'
import { RpcProcess } from './rpc.mjs'
import { newWalletKey } from './wallet.mjs'
import { DEADLINE_MS, until, within } from './wait.mjs'

const interopDir = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const buildDir = process.env.XM_BUILDDIR || path.resolve(interopDir, '../../build')

// A program's path, or several words: `node stand-in.mjs`.
const words = (text) => text.trim().split(/\s+/)
export const programs = {
  xmtui: words(process.env.XMTUI || path.join(buildDir, 'xmtui')),
  node: words(process.env.XMTUI_NODE || path.join(buildDir, 'xmtui-node')),
}

export const KINDS = ['xmtui', 'libxmtp']
export const other = (kind) => kind === 'xmtui' ? 'libxmtp' : 'xmtui'

// What client.info must say for a role to count as played by that kind.
const VERSION = { xmtui: /^(xmtui )?\d+\.\d+/, libxmtp: /^libxmtp 1\.9\.1 \(@xmtp\/node-bindings 1\.9\.1\)$/ }

const WATCH_MS = 20

// What a command that ends by itself says, told `input`; rejects with what it said on standard error, or with what
// `watch` throws, which is called again and again while it runs.
export function command(args, { env = {}, input = '', watch, deadlineMs = DEADLINE_MS } = {}) {
  const child = spawn(args[0], args.slice(1), { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  let out = ''
  let err = ''
  child.stdout.on('data', (text) => { out += text })
  child.stderr.on('data', (text) => { err += text })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  let watching
  const done = new Promise((resolve, reject) => {
    watching = setInterval(() => {
      try {
        watch?.()
      } catch (error) {
        reject(error)
      }
    }, WATCH_MS)
    child.on('error', reject)
    child.on('close', (code, signal) => code === 0 ? resolve(out)
      : reject(new Error(`${args.join(' ')}: ${signal ?? `exit ${code}`}\n${err}`)))
  })
  return within(deadlineMs, args.join(' '), done).catch((error) => { child.kill('SIGKILL'); throw error })
    .finally(() => clearInterval(watching))
}

// One role.  `call`, `waitEvent` and `events` are those of the process that plays it.  Whoever starts, answers for the
// first time or ends is looked at: whether it is the program that it should be.
export class Client {
  constructor(world, name, kind, key) {
    Object.assign(this, { world, name, kind, key, label: `${name} (${kind})` })
    this.home = path.join(world.dir, name)
    this.env = { XMTP_WALLET_KEY: key, XMTP_DB_ENCRYPTION_KEY: world.dbKey, XMTUI_NODE: '', XMTUI_HOME: '' }
    this.mark = newMark()
    Object.assign(this.env, this.mark)
  }

  // libxmtp has its code once it has answered; in xmtui's place it must never be.
  #check({ answered = false } = {}) {
    if (this.kind === 'xmtui' ? holdsLibxmtp(this.mark) : answered && !holdsLibxmtp(this.mark))
      throw new Error(`${this.label} is played by the other program`)
  }

  // The command that plays this role, in the environment `env`.
  get commandLine() {
    if (this.kind === 'libxmtp')
      return [process.execPath, path.join(interopDir, 'peer.mjs'), '--home', this.home, '--node', this.world.node.url]
    return [...programs.xmtui, '--home', this.home, '--node', this.world.node.url, 'rpc']
  }

  async create() {
    if (this.kind === 'xmtui') {
      const begun = performance.now()
      await command([...programs.xmtui, '--home', this.home, '--node', this.world.node.url, 'init'],
                    { env: this.env, watch: () => this.#check() })
      this.createdMs = performance.now() - begun
    }
    await this.open()
    // libxmtp loses a consent change that comes before its sync worker has started; its preferences group
    // tells that it has.
    if (this.kind === 'libxmtp')
      await until(`${this.label}: a preferences group`, async () =>
        (await this.call('preferences.state')).groups.length > 0)
    return this
  }

  // Starts the process without waiting for it.
  launch() {
    this.isChecked = false
    this.rpc = new RpcProcess(this.label, this.commandLine, { env: this.env, logFile: this.world.log })
  }

  // Starts the process, also again after stop() or kill(), and makes sure that it is what it should be.
  async open() {
    this.launch()
    this.info = await this.call('client.info')
    if (!VERSION[this.kind].test(this.info.version))
      throw new Error(`${this.label} says it is ${this.info.version}`)
    if (this.kind === 'libxmtp' ? !this.info.registered : this.info.registered === false)
      throw new Error(`${this.label} is not registered`)
    this.inboxId = this.info.inboxId
    this.installationId = this.info.installationId
    this.address = this.info.address
    return this
  }

  get pid() { return this.rpc.pid }
  get events() { return this.rpc.events }
  waitEvent(what, match, options) { return this.rpc.waitEvent(what, match, options) }

  async call(method, params, options) {
    const result = await this.rpc.call(method, params, options)
    if (!this.isChecked)
      this.#check({ answered: true })
    this.isChecked = true
    return result
  }

  // How it ended.  What does not end well for the role ends all the same.
  async #end(how) {
    let wrong
    try {
      if (this.rpc.exit === null)
        this.#check()
    } catch (error) {
      wrong = error
    }
    const status = await this.rpc[how]()
    if (wrong)
      throw wrong
    return status
  }

  stop() { return this.#end('stop') }
  kill() { return this.#end('kill') }

  // Sugar that scenarios would otherwise repeat.  Without a limit xmtui gives a page, libxmtp all.
  messages = (id) => this.call('conversation.messages', { id, limit: 10000 })
  texts = async (id) => (await this.messages(id))
    .filter((m) => m.content?.text !== undefined && m.contentType.startsWith('xmtp.org/text')).map((m) => m.content.text)
  send = async (id, text) => (await this.call('conversation.send', { id, text })).messageId
  consentOf = async (entityType, entity) => (await this.call('preferences.getConsent', { entityType, entity })).state
}

export class World {
  static async create(name) {
    const world = new World()
    world.dir = mkdtempSync(path.join(process.env.INTEROP_TMP || os.tmpdir(), `xmtui-interop-${name}-`))
    world.dbKey = randomBytes(32).toString('hex')
    world.log = createWriteStream(path.join(world.dir, 'clients.log'))
    world.clients = []
    mkdirSync(path.join(world.dir, 'node'))
    world.node = await new Node(programs.node, path.join(world.dir, 'node')).start()
    return world
  }

  // A person's installation: key from another client of the same person, or a new one.
  async client(name, kind, { sameAs, key = sameAs?.key ?? newWalletKey() } = {}) {
    const client = new Client(this, name, kind, key)
    this.clients.push(client)
    return client.create()
  }

  // failed: keeps the folder, so that its logs and databases can be looked at.
  async end({ failed = false } = {}) {
    for (const client of this.clients) {
      if (!client.rpc)
        continue
      if (failed)
        await client.kill()
      else if (await client.stop() !== 0)
        throw new Error(`${client.label} ended with ${client.rpc.exit}\n${client.rpc.stderr}`)
    }
    if (failed) {
      await this.node.kill()
      this.log.end()
      return `kept: ${this.dir}`
    }
    await this.node.stop()
    this.log.end()
    if (existsSync(this.dir) && !process.env.INTEROP_KEEP)
      rmSync(this.dir, { recursive: true, force: true })
    return ''
  }
}
