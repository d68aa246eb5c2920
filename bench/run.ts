import { readdirSync } from 'node:fs'

/** `npm run bench -- NAME [ARGUMENTS]` */
const own = 'run.ts'
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== own)
  .map((file) => file.slice(0, -'.ts'.length))

const name = process.argv[2]
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- ${names.join(' | ')}\n`)
  process.exit(2)
}
process.argv.splice(2, 1) // the bench sees its own arguments only
await import(`./${name}.ts`)
