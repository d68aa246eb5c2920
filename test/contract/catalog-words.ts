import type { TestFn } from 'ava'
import { commandText, eventText, folded, placeOf, sessionText, wordsOf } from '#services/catalog/search-text.ts'
import { wordsQuery } from '#services/search/words-query.ts'
import { seededRandom } from '#test/helpers/seeded-random.ts'
import { allPages, command, event, type MakeCatalogPlace, opened, sessionRow, update } from './catalog-place.ts'

const digits = (chars: number): string => {
  const random = seededRandom(255)
  return Array.from({ length: chars }, () => Math.floor(random() * 10)).join('')
}
const wide = (chars: number): string =>
  Array.from({ length: chars }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000))).join('')

const lines = {
  shadow: 'sudo cat /etc/shadow /etc/shadow-',
  apart: 'abcx bcd xabc',
  whole: 'xabcdx',
  across: 'ab cd abc d a bcd',
  four: 'aaaa',
  three: 'bab aaa ab',
  flags: 'tar --exclude=*.o -xzf a_b.tgz -C/tmp 2>&1 | tee -a log?.txt',
  windows: String.raw`net use Z: \\server\share$ /user:CORP\bob`,
  brackets: `awk '{print $1}' <in.txt >"out [1].txt"; (cd a&&b) ~ # ! , ; : @ + %d`,
  address: 'ssh -J 2001:db8::1,10.0.0.10 root@[fe80::1%eth0]:22',
  composed: 'echo cafe\u0301 A\u030angstro\u0308m \u1112\u1161\u11ab',
  turkish: 'echo İSTANBUL DİYARBAKIR ısı',
  greek: 'echo ΟΔΟΣ ΟΔΟΣΑ σίσυφος',
  german: 'echo STRAẞE Straße STRASSE',
  emoji: 'echo 👩‍👩‍👧x😀😀y 𝒜𝒷 𐐀𐐁z',
  asian: 'echo 世界和平 한국어 ภาษาไทย',
  hidden: 'a\u0000b\u0007c d\u00a0e\u2028f g\u200bh i\ufeffj k\u0085l',
  half: 'cut \ud83d here \ue000\u{10fffd}',
  digits: `key ${digits(9_000)}`,
  wide: `note ${wide(3_000)}`,
}
type Name = keyof typeof lines
const names = Object.keys(lines) as Name[]

/** A query, and the lines it finds. */
const queries: [query: string, found: Name[]][] = [
  ['/etc/shadow', ['shadow']],
  ['tc/sha', ['shadow']],
  ['/shadow-', ['shadow']],
  ['etc//shadow', []],
  ['etcshadow', []],
  ['abcd', ['whole']],
  ['abc bcd', ['apart', 'whole', 'across']],
  ['bcdx', ['whole']],
  ['dabc', []],
  ['aaaa', ['four']],
  ['aaa', ['four', 'three']],
  ['aaaaa', []],
  ['aa', ['four', 'three']],
  ['ba', ['three']],
  ['ab', ['apart', 'across', 'three']],
  ['abab', []],
  ['--exclude=*.o', ['flags']],
  ['*.o', ['flags']],
  ['*o', []],
  ['a_b', ['flags']],
  ['a%b', []],
  ['_b', []],
  ['_b.', ['flags']],
  ['g?.', ['flags']],
  ['?', ['flags']],
  ['2>&1', ['flags']],
  ['-C/', ['flags']],
  ['|', ['flags']],
  ['\\', ['windows']],
  ['\\\\server\\', ['windows']],
  ['p\\bob', ['windows']],
  ['server\\\\', []],
  ["$1}'", ['brackets']],
  ['">"', []],
  ['>"out', ['brackets']],
  ['[1', ['brackets']],
  ['(cd', ['brackets']],
  ['a&&b)', ['brackets']],
  ["'{", ['brackets']],
  ['~ # ! , ; : @ + %', ['brackets']],
  ['0.0.1', ['address']],
  ['0.0.0.1', ['address']],
  ['0.0.0.2', []],
  ['db8::1,10', ['address']],
  ['[fe80::', ['address']],
  ['1%eth', ['address']],
  [']:22', ['address']],
  ['caf\u00e9', ['composed']],
  ['CAFE\u0301', ['composed']],
  ['cafe', []],
  ['\u00c5ngstr\u00f6m', ['composed']],
  ['한', ['composed', 'asian']],
  ['istanbul', ['turkish']],
  ['İSTANBUL', ['turkish']],
  ['I\u0307STAN', ['turkish']],
  ['diyarbak', ['turkish']],
  ['ısı', ['turkish']],
  ['isi', []],
  ['οδος', ['greek']],
  ['ΟΔΟΣ', ['greek']],
  ['οδοσα', ['greek']],
  ['ΣΊΣΥΦΟΣ', ['greek']],
  ['straße', ['german']],
  ['STRAẞE', ['german']],
  ['strasse', ['german']],
  ['sse', ['german']],
  ['😀😀', ['emoji']],
  ['x😀', ['emoji']],
  ['😀😀😀', []],
  ['👩‍👧', ['emoji']],
  ['👩‍👩', ['emoji']],
  ['𝒜', ['emoji']],
  ['𝒷', []],
  ['𐐨𐐩Z', ['emoji']],
  ['𐐩z', []],
  ['世', ['asian']],
  ['世界', ['asian']],
  ['和', []],
  ['界和平', ['asian']],
  ['국어', []],
  ['ษาไ', ['asian']],
  ['ab', ['apart', 'across', 'three']],
  ['c\u0000d', ['across', 'brackets', 'hidden']],
  ['d e f', ['address', 'hidden']],
  ['g\u200bh', ['hidden']],
  ['gh', []],
  ['i j', ['hidden']],
  ['k\u0085l', ['hidden']],
  ['\ud83d', ['half']],
  ['\ufffd', ['half']],
  ['\ue000\u{10fffd}', ['half']],
  [digits(9_000).slice(4_000, 4_990), ['digits']],
  [`${digits(9_000).slice(4_000, 4_500)}${digits(9_000).slice(4_501, 4_900)}`, []],
  [digits(9_000).slice(-300), ['digits']],
  [wide(3_000).slice(2_000), ['wide']],
  [`${wide(3_000).slice(100, 400)}世`, []],
  [Array.from({ length: 16 }, (_, n) => digits(9_000).slice(n * 500, n * 500 + 60)).join(' '), ['digits']],
  [`${Array.from({ length: 15 }, (_, n) => digits(9_000).slice(n * 500, n * 500 + 60)).join(' ')} nowhere`, []],
]

const pieces = [
  ...[
    'a',
    'b',
    'ab',
    'abc',
    'aaa',
    '0.1',
    '/',
    '.',
    '-',
    '\\',
    '"',
    "'",
    '*',
    '_',
    '%',
    '(',
    '[',
    '|',
    '....',
    'é',
    'ß',
  ],
  ...['İ', 'ı', 'Σ', 'ς', 'e\u0301', '\u0301', '世', '界', '😀', '𝒜', '\u200d', '\ue000', '\u0000', '\u0085', '\ufeff'],
  ...[' ', ' ', ' ', '\n'],
]

/** Texts and queries of the same few pieces, so that many queries are found somewhere, and more nearly so. */
const randomTexts = (seed: number, count: number, maxPieces: number): string[] => {
  const random = seededRandom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + below(maxPieces) }, () => pieces[below(pieces.length)]!).join(''),
  )
}

export const wordsContract = (test: TestFn, make: MakeCatalogPlace): void => {
  test('words are found at their place alone: across punctuation, repeated, short, wide, folded, long', async (t) => {
    const { catalog, place } = await opened(t, make)
    await catalog.indexFrames(update(sessionRow(0), [0, 1], Object.values(lines)))
    await place.settle()
    for (const [text, found] of queries) {
      const { items, total } = await catalog.search({ query: wordsQuery(text), in: ['commands'], limit: 50 })
      const name = JSON.stringify(text).slice(0, 60)
      t.deepEqual(
        items.map(({ atMs }) => names[atMs! / 1_000]!).reverse(),
        names.filter((line) => found.includes(line)),
        name,
      )
      t.deepEqual(total, { value: found.length, relation: 'eq' }, name)
    }
  })

  test('each punctuation character is part of a word like any other', async (t) => {
    const { catalog, place } = await opened(t, make)
    const marks = Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n)).filter((c) => !/[a-z0-9]/i.test(c))
    const typed = marks.map((mark) => `q${mark}qx ${mark}w`)
    await catalog.indexFrames(update(sessionRow(0), [0, 1], typed))
    await place.settle()
    for (const [n, mark] of marks.entries()) {
      for (const text of [`q${mark}qx`, `${mark}qx`, mark, `q${mark} ${mark}w`]) {
        const { items } = await catalog.search({ query: wordsQuery(text), in: ['commands'], limit: 50 })
        t.deepEqual(
          items.map(({ atMs }) => atMs! / 1_000),
          [n],
          text,
        )
      }
    }
  })

  test('what is found in commands, events and sessions is what the rules of words say, for texts made to mislead', async (t) => {
    const seed = 20_261_121
    const { catalog, place } = await opened(t, make)
    const texts = randomTexts(seed, 60, 14)
    const commands = texts.map((line, n) => command(line, { atMs: n * 1_000 }))
    const row = sessionRow(0)
    await catalog.indexFrames(update(row, [0, 1], commands))
    const events = texts.map((vendor, n) => event(n, { user: null, vendor }))
    await catalog.putEvents(events)
    const sessions = texts.map((line, n) => sessionRow(n, { user: `u${n}`, argv: [line] }))
    for (const session of sessions) await catalog.indexFrames(update(session, [0, 1]))
    await place.settle()
    let found = 0
    for (const text of randomTexts(seed + 1, 120, 5)) {
      const words = wordsOf(text)
      if (words.length === 0) continue
      const has = (document: string) => words.every((word) => placeOf(word, folded(document)) >= 0)
      const inCommands = await catalog.search({ query: wordsQuery(text), in: ['commands'], limit: 100 })
      const expected = commands.filter((one) => has(commandText(one))).map(({ atMs }) => atMs)
      t.deepEqual(inCommands.items.map(({ atMs }) => atMs).reverse(), expected, JSON.stringify({ seed, text }))
      const inEvents = await catalog.events({ text, limit: 100 })
      t.deepEqual(
        inEvents.items.map(({ id }) => id).reverse(),
        events.filter((one) => has(eventText(one))).map(({ id }) => id),
        JSON.stringify({ seed, text }),
      )
      const inSessions = await catalog.sessions({ query: wordsQuery(text), limit: 100 })
      const own = (word: string, document: string) => placeOf(word, folded(document)) >= 0
      const ofAll = words.every((word) =>
        [sessionText(row), ...commands.map(commandText)].some((one) => own(word, one)),
      )
      t.deepEqual(
        inSessions.items.map(({ id }) => id).sort(),
        [...(ofAll ? [row] : []), ...sessions.filter((one) => has(sessionText(one)))].map(({ id }) => id).sort(),
        JSON.stringify({ seed, text }),
      )
      found += expected.length
    }
    t.true(found > 100, `${found} found`)
  })

  test('more than 10,000 matches are all there, page by page, each once and newest first', async (t) => {
    const { catalog, place } = await opened(t, make)
    const row = sessionRow(0)
    const [batches, perBatch] = [21, 500]
    for (let n = 0; n < batches; n++) {
      const batch = Array.from({ length: perBatch }, (_, m) => `rm -f /srv/spool/${n * perBatch + m}`)
      await catalog.indexFrames(update(row, [n, n + 1], batch, n * perBatch))
    }
    await place.settle()
    for (const text of ['srv/spool', '-f', 'rm']) {
      const query = { query: wordsQuery(text), in: ['commands' as const], limit: 1_000 }
      t.deepEqual((await catalog.search({ ...query, limit: 1 })).total, { value: 10_000, relation: 'gte' }, text)
    }
    const query = { query: wordsQuery('spool -f'), in: ['commands' as const], limit: 1_000 }
    const hits = await allPages((cursor) => catalog.search({ ...query, ...(cursor && { cursor }) }))
    t.deepEqual(
      hits.map(({ atMs }) => atMs! / 1_000),
      Array.from({ length: batches * perBatch }, (_, n) => batches * perBatch - 1 - n),
    )
    const rare = await catalog.search({ query: wordsQuery('spool/10499 rm'), in: ['commands'], limit: 10 })
    t.deepEqual(rare.total, { value: 1, relation: 'eq' })
  })
}
