import { emit, type Scene } from './scene.ts'
import type { SftpFact } from './sftp-facts.ts'
import type { SftpServer } from './state.ts'
import { asTyped } from './written-text.ts'

const unknown = { user: null, ip: null, port: null, connectionId: null }

const transferred = (
  scene: Scene,
  server: SftpServer | undefined,
  file: { direction: 'download' | 'upload'; path: string; sizeBytes: number; sizeKnown?: false },
): void => {
  const { direction, path, sizeBytes, ...more } = file
  emit(scene, 'file_transfer', server ?? unknown, {
    outcome: 'success',
    direction,
    sizeBytes,
    fileCount: 1,
    path: asTyped(path).slice(0, 4096),
    protocol: 'sftp',
    ...more,
  })
}

/** A file may be read and written; one of no bytes is what it was opened for. */
const fileClosed = (
  scene: Scene,
  server: SftpServer | undefined,
  { path, readBytes, writtenBytes }: Extract<SftpFact, { type: 'fileClosed' }>,
): void => {
  const writes = server ? scene.sftpServers.fileClosed(server, path) : null
  if (readBytes > 0) transferred(scene, server, { direction: 'download', path, sizeBytes: readBytes })
  if (writtenBytes > 0) transferred(scene, server, { direction: 'upload', path, sizeBytes: writtenBytes })
  if (readBytes > 0 || writtenBytes > 0 || writes === null) return
  transferred(scene, server, { direction: writes ? 'upload' : 'download', path, sizeBytes: 0 })
}

export const onSftp = (scene: Scene, fact: SftpFact): void => {
  const { sftpServers, pid, host, nowMs } = scene
  const server = sftpServers.of(pid)
  if (fact.type === 'sftpOpened') sftpServers.opened(pid, host, fact.user, fact.ip, nowMs)
  else if (fact.type === 'sftpClosed') sftpServers.closed(pid)
  else if (fact.type === 'fileClosed') fileClosed(scene, server, fact)
  else if (fact.type === 'fileOpened') {
    if (server) sftpServers.fileOpened(server, fact.path, fact.writes)
  } else transferred(scene, server, { direction: 'download', path: fact.path, sizeBytes: 0, sizeKnown: false })
}
