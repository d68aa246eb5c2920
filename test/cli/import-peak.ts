import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { importOpenssh } from '../../cli/import/openssh.ts'

/** Imports a file into a receiver that counts what it is sent and is busy at first. */

let calls = 0
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  calls += 1
  if (calls <= 2) {
    response.writeHead(calls === 1 ? 503 : 429, { 'retry-after': '0' }).end()
    return
  }
  const accepted = body.split('\n').length
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ accepted, duplicates: 0, rejected: [] }))
})
server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address() as AddressInfo
  const progress: { doneBytes: number; totalBytes: number; events: number }[] = []
  const imported = await importOpenssh({
    files: [process.argv[2]!],
    bastion: 'bastion-1',
    zone: 'UTC',
    year: 2025,
    instance: { url: `http://127.0.0.1:${port}`, token: 'none' },
    onProgress: (each) => progress.push(each),
  })
  process.stdout.write(JSON.stringify({ ...imported, progress }))
  server.close()
})
