// Assertions that say what was looked at.
import assert from 'node:assert/strict'
import { until } from './wait.mjs'

export function equal(actual, expected, what) {
  assert.deepEqual(actual, expected, `${what}\n  is:     ${JSON.stringify(actual)}\n  should: ${JSON.stringify(expected)}`)
}

export function ok(value, what) {
  assert.ok(value, what)
}

// The call must fail, with `code` where given.
export async function refused(promise, what, code) {
  let result
  try {
    result = await promise
  } catch (error) {
    if (code !== undefined)
      equal(error.code, code, what)
    return error
  }
  throw new Error(`${what}: should have been refused, gave ${JSON.stringify(result)}`)
}

// Repeats `probe` until its result equals `expected`; the last result is in the message when it never does.
export async function becomes(what, expected, probe, options) {
  let last
  await until(what, async () => {
    last = await probe()
    try {
      assert.deepEqual(last, expected)
      return true
    } catch {
      return false
    }
  }, options).catch((error) => {
    throw new Error(`${error.message}\n  is:     ${JSON.stringify(last)}\n  should: ${JSON.stringify(expected)}`)
  })
}
