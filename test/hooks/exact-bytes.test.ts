import { spawn } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { FileStep } from '#hooks/recorded-file.ts'
import { type Piece, piecesOf } from '#hooks/tlog/pieces.ts'
import { readLine } from '#hooks/tlog/read-line.ts'
import { readTtyrec } from '#hooks/ttyrec/ttyrec.ts'
import { Stream } from '#services/recordings/format/frame-batch.ts'
import { bytesIn, readOf } from '#test/helpers/file-steps.ts'
import { hostileBytes } from '#test/helpers/hostile-bytes.ts'
import { realTest } from '#test/helpers/real.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { recordingFormats } from '../../cli/import/recording/formats.ts'
import { createSource } from '../../cli/import/recording/source.ts'

/** What real recorders write of bytes that are hard to write, as our readers read it. */

const driver = fileURLToPath(new URL('script/in-pty.py', import.meta.url))
const hostile = hostileBytes()

type PtyStep = { waitFor: string } | { typed: string } | { resize: [number, number] }
/** Runs a program in a terminal; what that was sent. */
const inPty = async (argv: string[], steps: PtyStep[]): Promise<Buffer> => {
  const child = spawn('python3', [driver], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(JSON.stringify({ argv, steps, env: { TERM: 'xterm' } }))
  let said = ''
  child.stdout.on('data', (data: Buffer) => {
    said += data
  })
  await new Promise((resolve) => child.once('close', resolve))
  const { outputB64 } = JSON.parse(said) as { outputB64: string }
  return Buffer.from(outputB64, 'base64')
}
const place = async (t: ExecutionContext) => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'hostile')
  await writeFile(file, hostile)
  return { folder, file }
}
const all = async (steps: AsyncIterable<FileStep[]>) => readOf((await Array.fromAsync(steps)).flat())
const resized: PtyStep[] = [{ waitFor: 'READY' }, { resize: [41, 99] }, { typed: 'go\u0001é\n' }]
/** Shows what is hard to show, without a terminal's own changes, once somebody typed something. */
const show = (file: string): string => `stty raw -echo; printf READY; head -c 6 | od -c; cat ${file}; stty sane`

realTest(
  test,
  ['root', 'python3', 'unshare', 'tlog-rec'],
  'what a real tlog-rec writes of every byte there is comes back, and a resize',
  async (t) => {
    const { folder, file } = await place(t)
    const log = join(folder, 'tlog.log')
    // It wants a utmp, which a machine without logins has none of.
    const shell = 'mount -t tmpfs tmpfs /run && touch /run/utmp && exec "$@"'
    const recorder = [
      'tlog-rec',
      '--writer=file',
      `--file-path=${log}`,
      '--log-input=on',
      '--latency=1',
      '--',
      'sh',
      '-c',
    ]
    const output = await inPty(['unshare', '--mount', 'sh', '-c', shell, 'sh', ...recorder, show(file)], resized)
    const pieces = (await readFile(log, 'utf8'))
      .trim()
      .split('\n')
      .flatMap((line): readonly Piece[] => {
        const read = readLine(line)
        const found = read !== null && 'message' in read ? piecesOf(read.message) : 'refused'
        if (typeof found === 'string') throw new Error(found)
        return found
      })
    const bytes = (stream: Stream) =>
      Buffer.concat(pieces.filter((each) => each.stream === stream).map(({ data }) => data))
    t.true(output.includes(hostile))
    // It leaves the line when it ends, which is none of the session's.
    t.true(bytes(Stream.TTYOUT).equals(output.subarray(0, -'\r\n'.length)))
    t.is(bytes(Stream.TTYIN).toString(), 'go\u0001é\n')
    t.deepEqual([...(pieces.findLast(({ stream }) => stream === Stream.RESIZE)?.data ?? [])], [0, 41, 0, 99])
  },
)

realTest(test, ['python3', 'ttyrec'], 'what a real ttyrec writes of every byte there is comes back', async (t) => {
  const { folder, file } = await place(t)
  const recording = join(folder, 'a.ttyrec')
  const output = await inPty(['ttyrec', '-e', show(file), recording], resized)
  const { frames, ending } = await all(readTtyrec(createReadStream(recording)))
  t.true(output.includes(hostile))
  t.true(bytesIn(frames, Stream.TTYOUT).equals(output))
  t.is(bytesIn(frames, Stream.TTYIN).length, 0)
  t.regex(ending.detail, /ttyrec keeps nothing of what was typed, no sizes/)
})

/** Runs sudo with a sudoers file of its own, in a namespace of its own: nothing of the machine's is changed. */
const sudoWith = async (folder: string, more: string): Promise<string[]> => {
  const sudoers = join(folder, 'sudoers')
  const defaults = `log_input, log_output, use_pty, iolog_dir=${folder}/io, iolog_file=log, ${more}`
  await writeFile(sudoers, `Defaults ${defaults}\nroot ALL=(ALL) NOPASSWD: ALL\n`, { mode: 0o440 })
  await mkdir(join(folder, 'io'))
  const shell = 'f=$1; shift; mount --bind "$f" /etc/sudoers && exec sudo -n "$@"'
  return ['unshare', '--mount', 'sh', '-c', shell, 'sh', sudoers]
}
const iologOf = (folder: string) => {
  const format = recordingFormats['sudo-iolog']
  return all(format.read(createSource(join(folder, 'io', 'log'), format, 2 ** 30).opener(() => undefined)))
}
const sudoNeeds = ['root', 'python3', 'unshare', 'sudo']

for (const packing of ['!compress_io', 'compress_io']) {
  realTest(
    test,
    sudoNeeds,
    `a terminal that a real sudo logged comes back: every byte, what was typed, a resize (${packing})`,
    async (t) => {
      const { folder, file } = await place(t)
      const output = await inPty([...(await sudoWith(folder, packing)), 'sh', '-c', show(file)], resized)
      const { frames, opening, ending } = await iologOf(folder)
      t.true(output.includes(hostile))
      t.true(bytesIn(frames, Stream.TTYOUT).equals(output))
      t.is(bytesIn(frames, Stream.TTYIN).toString(), 'go\u0001é\n')
      t.deepEqual([...(frames.findLast(({ stream }) => stream === Stream.RESIZE)?.data ?? [])], [0, 41, 0, 99])
      t.like(opening, { user: 'root', runAs: 'root', rows: 24, cols: 80 })
      // sudo itself writes no exit code into its log; sudo_logsrvd does.
      t.like(ending, { reason: 'exit', exitCode: null, detail: 'the log does not tell how it ended' })
    },
  )
}

realTest(
  test,
  sudoNeeds,
  'input, output and errors that a real sudo logged without a terminal come back, each by itself',
  async (t) => {
    const { folder, file } = await place(t)
    const [command, ...args] = [...(await sudoWith(folder, '!compress_io')), 'sh', '-c', `cat; cat ${file} >&2`]
    // Into files: what a pipe does not take at once, sudo gives up when the command is over.
    const said = [join(folder, 'out'), join(folder, 'err')]
    const files = await Promise.all(said.map((path) => open(path, 'w')))
    const child = spawn(command!, args, { stdio: ['pipe', files[0]!.fd, files[1]!.fd] })
    const input = Buffer.from(hostile).reverse()
    child.stdin!.end(input)
    await new Promise((resolve) => child.once('close', resolve))
    await Promise.all(files.map((one) => one.close()))
    const [out, err] = await Promise.all(said.map((path) => readFile(path)))
    const { frames, ending } = await iologOf(folder)
    t.deepEqual([out!.length, err!.length], [input.length, hostile.length])
    t.true(out!.equals(input) && err!.equals(hostile))
    t.is(bytesIn(frames, Stream.STDIN).length, input.length)
    t.is(bytesIn(frames, Stream.STDOUT).length, input.length)
    t.is(bytesIn(frames, Stream.STDERR).length, hostile.length)
    t.true(bytesIn(frames, Stream.STDIN).equals(input))
    t.true(bytesIn(frames, Stream.STDOUT).equals(input))
    t.true(bytesIn(frames, Stream.STDERR).equals(hostile))
    t.is(bytesIn(frames, Stream.TTYOUT).length, 0)
    t.like(ending, { reason: 'exit', exitCode: null, detail: 'the log does not tell how it ended' })
  },
)
