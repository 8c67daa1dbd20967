// Runs scenarios one after the other and prints a line of TAP for each, with who played which role:
//
//   ok 4 - preferences/1: A=xmtui B=libxmtp C=xmtui Bo=libxmtp (4.1 s)
//
// Arguments: names of scenarios (all, where none is named), each as NAME or NAME/N for its N-th case.
// INTEROP_PLAY=libxmtp (or xmtui) gives every role to that one program, to tell a wrong scenario from a wrong
// program; cases that then are the same run once.
import { packageVersion } from './modules.mjs'
import { World, programs } from './world.mjs'
import { SCENARIOS } from '../scenarios/index.mjs'

const wanted = process.argv.slice(2)
const only = process.env.INTEROP_PLAY

function casesOf(scenario) {
  if (!only)
    return scenario.cases
  const forced = scenario.cases.map((roles) => JSON.stringify(Object.fromEntries(Object.keys(roles).map((r) => [r, only]))))
  return [...new Set(forced)].map((text) => JSON.parse(text))
}

const cases = SCENARIOS.flatMap((scenario) =>
  casesOf(scenario).map((roles, index) => ({ scenario, roles, number: index + 1 })))
  .filter(({ scenario, number }) => wanted.length === 0 ||
    wanted.includes(scenario.name) || wanted.includes(`${scenario.name}/${number}`))

if (cases.length === 0) {
  console.error(`no such scenario: ${wanted.join(' ')}; there are ${SCENARIOS.map((s) => s.name).join(', ')}`)
  process.exit(2)
}

console.log(`1..${cases.length}`)
console.log(`# xmtui: ${programs.xmtui.join(' ')}; node: ${programs.node.join(' ')}; ` +
            `libxmtp: @xmtp/node-bindings ${packageVersion('@xmtp/node-bindings')} on Node ${process.version}`)
const counts = { 'ok': 0, 'not ok': 0 }
let tested = 0
for (const { scenario, roles, number } of cases) {
  const who = Object.entries(roles).map(([name, kind]) => `${name}=${kind}`).join(' ')
  const begun = Date.now()
  let world
  let error
  try {
    world = await World.create(`${scenario.name}-${number}`)
    await scenario.run(world, roles)
    await world.end()
  } catch (e) {
    error = e
  }
  const result = error ? 'not ok' : 'ok'
  counts[result]++
  console.log(`${result} ${++tested} - ${scenario.name}/${number}: ${who} (${((Date.now() - begun) / 1000).toFixed(1)} s)`)
  if (error) {
    console.log(String(error.stack ?? error).replace(/^/gm, '#   '))
    if (world)
      console.log(`#   ${await world.end({ failed: true })}`)
  }
}
console.log(`${counts.ok} passed, ${counts['not ok']} failed`)
process.exit(counts['not ok'] ? 1 : 0)
