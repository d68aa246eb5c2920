import type { Person } from './model.ts'
import type { Random } from './random.ts'
import type { Transfer, Visit } from './session.ts'
import type { Work } from './work.ts'
import { minuteMs } from './zone.ts'

const megabyte = 1_000_000

const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))

const transfer = (
  direction: Transfer['direction'],
  protocol: string,
  path: string,
  sizeBytes: number,
  fileCount = 1,
): Transfer => ({ direction, protocol, path, fileCount, sizeBytes: Math.round(sizeBytes) })

/** Connections without a terminal last minutes. */
const quick = (random: Random, visit: Visit): Visit => ({
  ...visit,
  tty: false,
  durationMs: random.between(0.2, 6) * minuteMs,
})

type Copy = (random: Random, person: Person, visit: Visit) => Work

const logCopy: Copy = (random, _, visit) => {
  const brief = quick(random, visit)
  const protocol = random.pick(['scp', 'sftp'])
  const transfers = many(random.int(1, 8), (i) =>
    transfer('download', protocol, `/var/log/app/app.log.${i}`, random.logNormal(3, 0.8) * megabyte),
  )
  return { visit: { ...brief, transfers }, notes: [] }
}

const bigCopy: Copy = (random, { user }, visit) => {
  const brief = quick(random, visit)
  const path = `/home/${user}/core.${random.int(100, 9999)}`
  return {
    visit: { ...brief, transfers: [transfer('download', 'scp', path, random.between(120, 260) * megabyte)] },
    notes: [{ rule: 'bulk-transfer', class: 'big-copy' }],
  }
}

const deploy: Copy = (random, _, visit) => {
  const brief = quick(random, visit)
  const files = random.int(20, 600)
  return {
    visit: {
      ...brief,
      commands: [{ line: 'rsync --server -logDtpre.iLsfxC . /srv/app/releases/' }],
      transfers: [transfer('upload', 'rsync', '/srv/app/releases', random.logNormal(90, 0.6) * megabyte, files)],
    },
    notes: [{ rule: 'bulk-transfer', class: 'deploy-upload' }],
  }
}

const smallSftp: Copy = (random, { user }, visit) => {
  const brief = quick(random, visit)
  const direction = random.chance(0.6) ? 'download' : 'upload'
  const count = random.int(2, 15)
  const transfers = many(count, (i) => {
    const path = `/home/${user}/work/${random.hex(5)}-${i}.txt`
    return transfer(direction, 'sftp', path, random.logNormal(0.12, 1) * megabyte)
  })
  return {
    visit: { ...brief, transfers },
    notes: count > 9 ? [{ rule: 'bulk-transfer', class: 'several-small-files' }] : [],
  }
}

const git: Copy = (random, _, visit) => {
  const brief = quick(random, visit)
  const verb = random.chance(0.75) ? 'git-upload-pack' : 'git-receive-pack'
  return {
    visit: {
      ...brief,
      durationMs: random.int(800, 15_000),
      commands: [{ line: `${verb} '/srv/git/${random.pick(['shop', 'api', 'infra', 'docs'])}.git'` }],
      outBytes: Math.round(random.logNormal(0.4, 1.3) * megabyte),
    },
    notes: [],
  }
}

/** What people fetch and bring without a terminal. */
export const copies = { 'log-copy': logCopy, 'big-copy': bigCopy, deploy, 'small-sftp': smallSftp, git }
