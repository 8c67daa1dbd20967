// Every scenario: { name, cases: [{role: kind}], run(world, roles) }.
import * as libxmtpIdentity from './libxmtp-identity.mjs'
import * as libxmtpChats from './libxmtp-chats.mjs'
import * as libxmtpMany from './libxmtp-many.mjs'
import * as accounts from './accounts.mjs'
import * as preferences from './preferences.mjs'
import * as chats from './chats.mjs'
import * as block from './block.mjs'
import * as group from './group.mjs'
import * as rules from './rules.mjs'
import * as hostile from './hostile.mjs'
import * as malformed from './malformed.mjs'
import * as nodeRestart from './node-restart.mjs'
import * as kill from './kill.mjs'
import * as roles from './roles.mjs'

export const SCENARIOS = [roles, libxmtpIdentity, libxmtpChats, libxmtpMany, accounts, preferences, chats, block, rules, group,
  hostile, malformed, nodeRestart, kill]
