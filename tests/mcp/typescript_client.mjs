// A client on the official TypeScript SDK: node typescript_client.mjs MODULES stdio COMMAND… | http URL TOKEN; prints one JSON object.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [modules, transportName, ...rest] = process.argv.slice(2)
const installed = createRequire(join(modules, 'here.js'))
const sdk = async (path) => import(pathToFileURL(installed.resolve(`@modelcontextprotocol/sdk/${path}`)))

const { Client } = await sdk('client/index.js')
const { ResourceUpdatedNotificationSchema } = await sdk('types.js')

async function transport() {
  if (transportName === 'stdio') {
    const { StdioClientTransport } = await sdk('client/stdio.js')
    return new StdioClientTransport({ command: rest[0], args: rest.slice(1), stderr: 'ignore' })
  }
  const { StreamableHTTPClientTransport } = await sdk('client/streamableHttp.js')
  const headers = { authorization: `Bearer ${rest[1]}` }
  return new StreamableHTTPClientTransport(new URL(rest[0]), { requestInit: { headers } })
}

const client = new Client({ name: 'typescript', version: '1' })
const updated = new Promise((resolve) => {
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => resolve(params.uri))
})
await client.connect(await transport())

const told = { server: client.getServerVersion(), tools: (await client.listTools()).tools.map((tool) => tool.name) }
told.called = await client.callTool({ name: 'engine_status', arguments: {} })
told.refused = await client.callTool({ name: 'engine_status', arguments: { odd: 1 } })
told.read = JSON.parse((await client.readResource({ uri: 'ketch://status' })).contents[0].text)
told.prompt = (await client.getPrompt({ name: 'explain_trade', arguments: { id: 'T-1' } })).messages[0].content.text
const ref = { type: 'ref/resource', uri: 'ketch://pools/{chain}/{address}' }
told.completed = (await client.complete({ ref, argument: { name: 'chain', value: 'arb' } })).completion.values
await client.subscribeResource({ uri: 'ketch://status' })
if (transportName === 'http') told.updated = await updated
await client.unsubscribeResource({ uri: 'ketch://status' })
await client.close()
console.log(JSON.stringify(told))
