import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants, close as fsClose, open as fsOpen } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const openFile = promisify(fsOpen) // no FileHandle: the descriptor goes to a Socket, which closes it
const closeFile = promisify(fsClose)

/**
 * The two FIFOs of one recording, open for reading: nothing that goes through them touches a disk. Only in a main thread:
 * a worker thread of Node that ends closes what it opened by number, also what its sockets have closed long before.
 */
export type Fifos = {
  readonly data: string
  readonly timing: string
  /** Takes the names away: from here on only who has them open can write. */
  hide(): Promise<void>
  /** Streams of what is written; a FIFO ends when nobody has it open for writing any more. Once. */
  read(): { data: Socket; timing: Socket }
  /** For FIFOs that nobody reads. */
  close(): Promise<void>
}

// Non-blocking: an open for reading would wait for a writer that may never come.
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK

const socketOf = (fd: number): Socket => new Socket({ fd, readable: true, writable: false })

/** Under a service manager /tmp may be the service's own, where nobody else finds a FIFO (systemd.exec(5), PrivateTmp=). */
const fifoFolder = (): string => process.env.RUNTIME_DIRECTORY ?? tmpdir()

/**
 * Only our own user may read them. A writer of another user needs the name, which cannot be listed, is told to that
 * user alone, and is gone before script starts.
 */
export const makeFifos = async (writerUid: number, parent = fifoFolder()): Promise<Fifos> => {
  const folder = await mkdtemp(join(parent, 'bartizan-script-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const [data, timing] = ['data', 'timing'].map((name) => join(folder, `${name}-${randomBytes(16).toString('hex')}`))
  const fds: number[] = []
  const close = async (): Promise<void> => {
    await remove()
    for (const fd of fds.splice(0)) await closeFile(fd)
  }
  try {
    const isOwn = writerUid === 0 || writerUid === process.geteuid?.()
    await run('mkfifo', ['-m', isOwn ? '0600' : '0622', data!, timing!])
    for (const path of [data!, timing!]) fds.push(await openFile(path, readFlags))
    await chmod(folder, 0o711)
  } catch (error) {
    await close()
    throw error
  }
  return {
    data: data!,
    timing: timing!,
    hide: remove,
    read: () => {
      const [dataFd, timingFd] = fds.splice(0)
      return { data: socketOf(dataFd!), timing: socketOf(timingFd!) }
    },
    close,
  }
}
