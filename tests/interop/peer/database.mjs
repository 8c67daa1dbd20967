// Reads libxmtp's own database.  It is opened without a key, so any SQLite can; the file is only read.
//
// Always from another process: two copies of SQLite in one process drop each other's file locks, and the
// bindings bring their own copy.
import { execFileSync } from 'node:child_process'

// Node 22.5 and later have SQLite built in.
const BUILT_IN = `import { DatabaseSync } from 'node:sqlite'
const [file, sql] = process.argv.slice(1)
process.stdout.write(JSON.stringify(new DatabaseSync(file, { readOnly: true }).prepare(sql).all()))`

const run = (program, args) => execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

const ways = [
  (file, sql) => run('sqlite3', ['-json', '-readonly', file, '.timeout 5000', sql]),
  (file, sql) => run(process.execPath, ['--no-warnings', '--input-type=module', '-e', BUILT_IN, file, sql]),
]

let way
async function rows(file, sql) {
  const failures = []
  for (const attempt of way ? [way] : ways) {
    try {
      const found = JSON.parse(attempt(file, sql) || '[]')
      way = attempt
      return found
    } catch (error) {
      failures.push(error.message)
    }
  }
  throw new Error(`cannot read libxmtp's database (Debian: apt-get install sqlite3): ${failures.join('; ')}`)
}

// Epoch authenticator of `epoch` in a group, as hex, or null when that epoch was not reached by a commit or
// a welcome that the log holds.
export async function epochAuthenticator(file, groupId, epoch) {
  const found = await rows(file,
    `select lower(hex(applied_epoch_authenticator)) as a from local_commit_log
      where group_id = x'${groupId}' and applied_epoch_number = ${epoch} and commit_result = 1
      order by rowid desc limit 1`)
  return found[0]?.a || null
}

// Consent records as stored.
export async function consentRecords(file) {
  return rows(file, `select entity_type as type, entity, state, cast(consented_at_ns as text) as ns
                       from consent_records`)
}

// Preferences groups, newest first, of which that one is written to, and the time of the HMAC root key.
export async function preferences(file) {
  const groups = await rows(file,
    'select lower(hex(id)) as id from groups where conversation_type = 3 order by created_at_ns desc')
  const cycled = await rows(file, 'select cast(hmac_key_cycled_at_ns as text) as ns from user_preferences')
  return { groups: groups.map(({ id }, i) => ({ id, primary: i === 0 })), hmacCycledAtNs: cycled[0]?.ns ?? '0' }
}
