import { writeFileSync } from 'node:fs'
import { registerHooks } from 'node:module'

/** For `node --import`: on exit, what the process has loaded is written to LOADED_MODULES_FILE, Node's own parts too. */
const urls: string[] = []
registerHooks({
  load: (url, context, next) => {
    urls.push(url)
    return next(url, context)
  },
})
process.on('exit', () => {
  const builtin = Reflect.get(process, 'moduleLoadList') as string[]
  writeFileSync(process.env.LOADED_MODULES_FILE!, [...urls, ...builtin].join('\n'))
})
