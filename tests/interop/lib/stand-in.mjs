#!/usr/bin/env node
// libxmtp in the place of xmtui, in a process of its own below this one, under a false name: what a role must not
// be played by.  Takes xmtui's arguments `--home DIR --node URL init|rpc`.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { onLines } from './lines.mjs'

const peer = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), 'peer.mjs')
const args = process.argv.slice(2)
const verb = args.pop()
const child = spawn(process.execPath, [peer, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })

onLines(child.stdout, (line) => process.stdout.write(line.replace(/libxmtp 1[^"]*/, '1.0.0') + '\n'))
child.on('close', (code) => process.exit(code ?? 1))
if (verb === 'rpc')
  process.stdin.pipe(child.stdin)
else
  child.stdin.end('{"jsonrpc":"2.0","id":1,"method":"client.info"}\n')
