import { z } from 'zod'
import { listAll } from '../access/list-all.ts'
import type { StateStore } from '../state/state-store.ts'

const dayMs = 86_400_000
const openPrefix = 'silences/'
const daysPrefix = 'silence-days/'
const msDigits = 15

const Open = z.object({ sinceMs: z.int() })
const Part = z.object({ ms: z.int().nonnegative() })

const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
/** The UTC days that a span touches, and how much of each. */
const partsOf = (sinceMs: number, untilMs: number): { date: string; ms: number }[] => {
  const parts: { date: string; ms: number }[] = []
  for (let fromMs = sinceMs; fromMs < untilMs; ) {
    const toMs = Math.min(untilMs, (Math.floor(fromMs / dayMs) + 1) * dayMs)
    parts.push({ date: dateOf(fromMs), ms: toMs - fromMs })
    fromMs = toMs
  }
  return parts
}

/** How long agents were not heard: by bastion and UTC day. */
export type SilentDay = { bastion: string; date: string; ms: number }

/** When agents were silent: noted by ingest, read by whoever says what a day was like. */
export const createSilences = ({ state }: { state: StateStore }) => {
  const open = async (): Promise<Map<string, number>> => {
    const all = new Map<string, number>()
    for await (const { key, value } of listAll(state, openPrefix)) {
      const { data } = Open.safeParse(value)
      if (data) all.set(key.slice(openPrefix.length), data.sinceMs)
    }
    return all
  }
  const noted = async (fromDate: string, toDate: string, isAsked: (bastion: string) => boolean) => {
    const parts: SilentDay[] = []
    let after = `${daysPrefix}${fromDate}`
    for (;;) {
      const page = await state.list(daysPrefix, { after, limit: 500 })
      for (const { key, value } of page) {
        const [date = '', bastion = ''] = key.slice(daysPrefix.length).split('/')
        if (date > toDate) return parts
        const { data } = Part.safeParse(value)
        if (data && isAsked(bastion)) parts.push({ bastion, date, ms: data.ms })
      }
      if (page.length < 500) return parts
      after = page.at(-1)!.key
    }
  }
  return {
    /** Bastions whose agent is silent now, and since when, Unix ms. */
    open,
    begin: async (bastion: string, sinceMs: number): Promise<void> => {
      await state.put(`${openPrefix}${bastion}`, { sinceMs })
    },
    /** The same any number of times is once. */
    end: async (bastion: string, sinceMs: number, untilMs: number): Promise<void> => {
      for (const { date, ms } of partsOf(sinceMs, untilMs))
        await state.put(`${daysPrefix}${date}/${bastion}/${String(sinceMs).padStart(msDigits, '0')}`, { ms })
      await state.delete(`${openPrefix}${bastion}`)
    },
    /** Days `fromDate` to `toDate` (YYYY-MM-DD, UTC, both included) on which an agent was silent, what goes on now included. */
    days: async (fromDate: string, toDate: string, nowMs: number, bastion?: string): Promise<SilentDay[]> => {
      const isAsked = (name: string) => bastion === undefined || name === bastion
      const sums = new Map<string, SilentDay>()
      const add = (part: SilentDay): void => {
        const key = `${part.date}/${part.bastion}`
        const before = sums.get(key)
        sums.set(key, before ? { ...before, ms: Math.min(dayMs, before.ms + part.ms) } : part)
      }
      for (const part of await noted(fromDate, toDate, isAsked)) add(part)
      const endMs = Math.min(nowMs, Date.parse(toDate) + dayMs)
      for (const [name, sinceMs] of await open())
        if (isAsked(name))
          for (const part of partsOf(Math.max(sinceMs, Date.parse(fromDate)), endMs)) add({ bastion: name, ...part })
      return [...sums.values()]
    },
  }
}
export type Silences = ReturnType<typeof createSilences>
