// Installations of one person, and the preferences group they share.
import { until } from './wait.mjs'

// The id of the preferences group that a client writes to; undefined while it has none.
export async function primaryGroup(client) {
  return (await client.call('preferences.state')).groups.find((group) => group.primary)?.id
}

// `older` syncs its preferences until it writes to the group that `newer`, the last one to appear, made.
// A new installation makes a group of its own and invites the others some time after it has registered.
export async function meet(older, newer) {
  await until(`${older.label} writes to the preferences group of ${newer.label}`, async () => {
    await older.call('preferences.sync')
    const group = await primaryGroup(newer)
    return group !== undefined && group === await primaryGroup(older)
  })
}
