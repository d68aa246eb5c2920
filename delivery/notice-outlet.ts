import type { BusRecord } from '#services/bus/bus.ts'
import type { Clock } from '#services/clock.ts'
import type { Alert, Severity } from '#services/schema/alert.ts'
import type { Notify } from '#services/schema/sink-settings.ts'
import type { Notice, Notifier } from '#services/sinks/notice.ts'
import type { Cursor, Entry } from './cursor.ts'
import { decide } from './decide.ts'
import { type Desk, newDesk } from './desk.ts'
import { isDigestDue, lastDigestDate, type SinkHealth, takeDigest, takeStorm } from './digest.ts'
import type { Marks } from './marks.ts'
import type { Chosen, Outlet, Planned } from './outlet.ts'
import type { PutAside } from './put-aside.ts'
import type { ReadItem } from './select.ts'

export type NoticeOutletOptions = {
  notifier: Notifier
  readItem: ReadItem
  minSeverity: Severity
  notify: Notify
  marks: Marks
  isSuppressed(alert: Alert, nowMs: number): Promise<boolean>
  health(): Promise<SinkHealth[]>
  putAside: PutAside
  clock: Clock
}

const planned = (notice: Notice): Planned<Notice> => ({ entry: notice, load: notice })

/** A destination that people read: an alert once per status, a digest a day. */
export const createNoticeOutlet = (options: NoticeOutletOptions): Outlet<Notice> => {
  const { notifier, minSeverity, notify, marks, putAside, clock } = options

  const deskOf = ({ desk }: Cursor): Desk => desk ?? newDesk(clock.now(), lastDigestDate(notify, clock.now()))

  const takeAlert = async (alert: Alert, chosen: Chosen<Notice> & { desk: Desk }, cursor: Cursor) => {
    const nowMs = clock.now()
    const isSuppressed = await options.isSuppressed(alert, nowMs)
    const before = chosen.marks[alert.id] ?? cursor.marks[alert.id] ?? (await marks.get(alert.id))
    const { notice, mark, desk } = decide(alert, before, chosen.desk, { minSeverity, notify, isSuppressed, nowMs })
    chosen.desk = desk
    // What only grows is not stored, which would be a write per revision; of findings each attempt counts.
    if (before === null || isNew(before, mark) || alert.severity === 'info') chosen.marks[alert.id] = mark
    if (notice === null) return
    const { status } = notice
    const id = `${alert.id}-${status}${status === 'open' ? `-${alert.severity}` : ''}`
    chosen.planned.push(planned({ kind: 'alert', id, status, alert }))
  }
  const choose = async (records: readonly BusRecord[], cursor: Cursor): Promise<Chosen<Notice>> => {
    const chosen = { planned: [], desk: deskOf(cursor), marks: {} }
    for (const record of records) {
      const item = await options.readItem(record)
      if (item?.type === 'alert') await takeAlert(item.alert, chosen, cursor)
    }
    return chosen
  }
  const due = async (cursor: Cursor): Promise<Chosen<Notice> | null> => {
    const nowMs = clock.now()
    const before = deskOf(cursor)
    // Kept from the first look on: a desk made anew each time would never be due before the first alert.
    if (cursor.desk === null) return { planned: [], desk: before, marks: {} }
    const storm = takeStorm(before, notify, nowMs)
    const desk = storm?.desk ?? before
    const isDigest = isDigestDue(desk, notify, nowMs)
    if (storm === null && !isDigest) return null
    const digest = isDigest ? takeDigest(desk, notify, nowMs, await options.health()) : null
    if (isDigest) await marks.prune(nowMs)
    const notices = [storm?.notice, digest?.notice].filter((notice) => notice !== undefined)
    return { planned: notices.map(planned), desk: digest?.desk ?? desk, marks: {} }
  }

  return {
    choose,
    due,
    restore: async (entries: readonly Entry[]) => entries.filter((entry) => typeof entry !== 'string').map(planned),
    send: (batch, signal) =>
      notifier.send(
        batch.map(({ seq, load }) => ({ seq, notice: load })),
        signal,
      ),
    putAside: ({ load }, reason) => putAside.notice(load, reason),
    probe: () => {
      const nowMs = clock.now()
      const { notice } = takeDigest(newDesk(nowMs, ''), notify, nowMs, [])
      return { ...notice, id: `test-${nowMs}` }
    },
    storeMarks: (held) => marks.store(held),
    close: () => notifier.close(),
  }
}

const isNew = (before: Cursor['marks'][string], { told, triage, seenDay }: Cursor['marks'][string]): boolean =>
  JSON.stringify([before.told, before.triage, before.seenDay]) !== JSON.stringify([told, triage, seenDay])
