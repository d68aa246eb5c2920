import type { DatabaseSync } from 'node:sqlite'
import { addressKey } from '../address-key.ts'
import type { Alert } from '../schema/alert.ts'
import { mergedAlert } from './merged-alert.ts'
import { alertText } from './search-text.ts'
import type { TextChange } from './sqlite-full-text.ts'
import { createTimeKeys, firstKeyOf, lastKeyOf } from './sqlite-time-key.ts'

type Present = { time_key: bigint; row: string; text: string }

const putSql = `
  INSERT INTO alert (time_key, id, rule, severity, status, user, bastion, source_ip, source_key, withdrawn, row, text)
  VALUES (:timeKey, :id, :rule, :severity, :status, :user, :bastion, :sourceIp, :sourceKey, :withdrawn, :row, :text)
  ON CONFLICT (id) DO UPDATE SET time_key = :timeKey, rule = :rule, severity = :severity, status = :status, user = :user,
    bastion = :bastion, source_ip = :sourceIp, source_key = :sourceKey, withdrawn = :withdrawn, row = :row, text = :text`

const columnsOf = (alert: Alert, timeKey: bigint, text: string) => {
  const { id, rule, severity, status, user, bastion, sourceIp } = alert
  const sourceKey = sourceIp === null ? null : addressKey(sourceIp)
  const withdrawn = alert.withdrawn ? 1 : 0
  return { timeKey, id, rule, severity, status, user, bastion, sourceIp, sourceKey, withdrawn, text }
}

export const createAlertWriter = (database: DatabaseSync, changes: TextChange[]) => {
  const keys = createTimeKeys(database, 'alert')
  const present = database.prepare('SELECT time_key, row, text FROM alert WHERE id = ?')
  present.setReadBigInts(true)
  const upsert = database.prepare(putSql)
  const forgetText = database.prepare('DELETE FROM alert_text WHERE rowid = ?')
  const forgetSessions = database.prepare('DELETE FROM alert_session WHERE alert_id = ?')
  const putSession = database.prepare('INSERT OR IGNORE INTO alert_session (session_id, alert_id) VALUES (?, ?)')

  const putSessions = ({ id, sessionIds }: Alert): void => {
    forgetSessions.run(id)
    for (const sessionId of sessionIds) putSession.run(sessionId, id)
  }
  const put = (said: Alert): void => {
    const before = present.get(said.id) as Present | undefined
    const alert = mergedAlert(before ? (JSON.parse(before.row) as Alert) : null, said)
    const row = JSON.stringify(alert)
    if (before?.row === row) return
    const atMs = Date.parse(alert.at)
    const stays = before !== undefined && before.time_key >= firstKeyOf(atMs) && before.time_key <= lastKeyOf(atMs)
    const rowKey = stays ? before.time_key : keys.next(atMs)
    const text = alertText(alert)
    upsert.run({ ...columnsOf(alert, rowKey, text), row })
    putSessions(alert)
    if (before && !stays) forgetText.run(before.time_key)
    if (!stays || before.text !== text) changes.push({ table: 'alert_text', rowKey, text, replaces: stays })
  }
  return {
    putAlerts: (alerts: Alert[]): void => {
      for (const alert of alerts) put(alert)
    },
  }
}
