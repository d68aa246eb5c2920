import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Installation } from '../cache.ts'
import { run } from '../programs.ts'

/** Built from source. go.sum here holds the checksum of every module, so that no checksum database has to be asked. */
export const versitygw: Installation = {
  name: 'versitygw-1.8.0',
  effort: 'Go compiles it for 1 to 3 minutes',
  fill: (folder) =>
    run(
      'go',
      [
        ...['build', '-trimpath', '-ldflags=-s -w', '-o', join(folder, 'versitygw')],
        'github.com/versity/versitygw/cmd/versitygw',
      ],
      {
        cwd: fileURLToPath(new URL('.', import.meta.url)),
        env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', GOWORK: 'off' },
      },
    ),
}
