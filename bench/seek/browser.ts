import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium, type Page } from 'playwright-core'
import type { Product } from '#test/helpers/running.ts'

const bundle = fileURLToPath(
  new URL('../../node_modules/asciinema-player/dist/bundle/asciinema-player.min.js', import.meta.url),
)
const page = (player: string) => `<!doctype html><title>seek</title><div id="player"></div><script>${player}</script>`
const seekLimitMs = 300_000

export type Seek = { openAndSeekMs: number; heapMB: number; text: string }

/** In the page: opens a recording at a moment, and waits until that is drawn. */
const openAndSeek = `async ({ source, seconds }) => {
  const from = performance.now()
  const player = AsciinemaPlayer.create(source, document.getElementById('player'), { cols: 120, rows: 36 })
  await new Promise((ready) => player.addEventListener('ready', ready))
  await player.seek(seconds)
  await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  const openAndSeekMs = performance.now() - from
  return { openAndSeekMs, text: document.querySelector('.ap-term').textContent }
}`

const heapOf = async (opened: Page): Promise<number> => {
  const session = await opened.context().newCDPSession(opened)
  await session.send('HeapProfiler.collectGarbage')
  const { usedSize } = await session.send('Runtime.getHeapUsage')
  return usedSize / 1e6
}

/** One seek in a browser of its own, with the shipped player on a page of the viewer's origin. */
export const seekInBrowser = async (
  product: Pick<Product, 'api' | 'endpoints'>,
  source: { url: string; format?: 'segmented' },
  seconds: number,
): Promise<Seek> => {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  })
  try {
    const opened = await browser.newPage()
    opened.setDefaultTimeout(seekLimitMs)
    const { url } = (await product.api('/api/login-links', {
      method: 'POST',
      body: JSON.stringify({ name: 'dana', role: 'admin' }),
    })) as { url: string }
    await opened.goto(url)
    await opened.getByRole('heading', { name: 'Sessions' }).waitFor()
    const origin = `http://127.0.0.1:${product.endpoints.httpPort}`
    const body = page(readFileSync(bundle, 'utf8'))
    await opened.route('**/bench-seek', (route) => route.fulfill({ contentType: 'text/html', body }))
    await opened.goto(`${origin}/bench-seek`)
    const call = JSON.stringify({ source, seconds })
    const result = (await opened.evaluate(`(${openAndSeek})(${call})`)) as Omit<Seek, 'heapMB'>
    return { ...result, heapMB: await heapOf(opened) }
  } finally {
    await browser.close()
  }
}
