// Every scenario: { name, cases: [{role: kind}], run(world, roles) }.
import * as libxmtpIdentity from './libxmtp-identity.mjs'
import * as libxmtpChats from './libxmtp-chats.mjs'
import * as libxmtpMany from './libxmtp-many.mjs'
import * as preferences from './preferences.mjs'

export const SCENARIOS = [libxmtpIdentity, libxmtpChats, libxmtpMany, preferences]
