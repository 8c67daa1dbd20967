// Waiting for something to become true, with a deadline.  Nothing here hopes that a time is long enough:
// what is awaited is always named, and the deadline only says when to stop believing in it.

// Everything on one machine answers in milliseconds; sanitized programs on a busy machine need the room.
export const DEADLINE_MS = Number(process.env.INTEROP_DEADLINE_MS || 30000)

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Calls `probe` until it returns something other than undefined, null or false; that is the result.
export async function until(what, probe, { deadlineMs = DEADLINE_MS, everyMs = 50 } = {}) {
  const end = Date.now() + deadlineMs
  let last
  for (;;) {
    try {
      const value = await probe()
      if (value !== undefined && value !== null && value !== false)
        return value
      last = undefined
    } catch (error) {
      if (error.fatal)
        throw error
      last = error
    }
    if (Date.now() >= end)
      throw new Error(`not within ${deadlineMs} ms: ${what}${last ? ` (last: ${last.message})` : ''}`)
    await pause(everyMs)
  }
}

// `promise`, or a failure that names `what` when it takes longer than `ms`.
export function within(ms, what, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
