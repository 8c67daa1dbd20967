// node people.mjs URL N: registers N inboxes and prints their ids as one JSON array.
import { load } from '../tests/interop/lib/modules.mjs'
import { newWalletKey, wallet } from '../tests/interop/lib/wallet.mjs'

const [url, count] = process.argv.slice(2)
const bindings = await load('@xmtp/node-bindings')
const ids = []
for (let i = 0; i < Number(count); i++) {
  const owner = await wallet(newWalletKey())
  const identifier = { identifier: owner.address, identifierKind: 0 }
  const client = await bindings.createClient(url, null, false, null, bindings.generateInboxId(identifier), identifier,
                                             null, null, 'Disabled', { level: 'Off' })
  const request = await client.createInboxSignatureRequest()
  await request.addEcdsaSignature(await owner.sign(await request.signatureText()))
  await client.registerIdentity(request)
  ids.push(client.inboxId())
}
process.stdout.write(JSON.stringify(ids) + '\n', () => process.exit(0))
