import type { SlackSinkSettings } from '../schema/sink-settings.ts'
import { asUnavailable, judge, post } from './http-post.ts'
import { linksOf, type Notice, type Notifier } from './notice.ts'
import { headlineOf, linesOf } from './notice-text.ts'
import { readSecret } from './secret-file.ts'
import type { FormatContext } from './sink.ts'

// Slack: "Reference: blocks".
const maxBlocks = 50
const maxSectionLength = 3_000

/** Slack: "Formatting text for app surfaces, escaping text": with these three, no mention, link or command is left. */
const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** Not in the middle of an escape. */
const cut = (text: string): string =>
  text.length <= maxSectionLength
    ? text
    : `${text
        .slice(0, maxSectionLength - 1)
        .replace(/&[a-z]{0,3}$/, '')
        .toWellFormed()}…`

const section = (text: string) => ({ type: 'section', text: { type: 'mrkdwn', text: cut(text) } })

const linkLine = (notice: Notice, consoleUrl: string): string => {
  if (notice.kind !== 'alert') return `<${consoleUrl}/alerts|Alerts>`
  const { alertUrl, momentUrl } = linksOf(notice.alert, consoleUrl)
  return momentUrl === null ? `<${alertUrl}|Alert>` : `<${alertUrl}|Alert> · <${momentUrl}|That moment in the replay>`
}

/** As incoming webhooks take it. */
export const slackMessage = (notice: Notice, consoleUrl: string) => {
  const headline = escaped(headlineOf(notice))
  const lines = linesOf(notice)
    .filter((line) => line !== '')
    .map((line) => section(escaped(line)))
  const blocks = [section(`*${headline}*`), ...lines.slice(0, maxBlocks - 2), section(linkLine(notice, consoleUrl))]
  return { text: headline, blocks }
}

/** Slack, Mattermost, Rocket.Chat: whatever takes Slack's incoming webhooks. @throws BTZ_CONFIG_INVALID */
export const createSlackNotifier = async (
  settings: SlackSinkSettings,
  { about, ca }: { about: () => FormatContext; ca: string | undefined },
): Promise<Notifier> => {
  const { name, urlFile, allowPrivate, timeoutMs } = settings
  await readSecret(name, urlFile)
  const headers = { 'content-type': 'application/json', 'user-agent': 'bartizan' }
  return {
    send: async (batch, signal) => {
      const url = await readSecret(name, urlFile)
      for (const [at, { notice }] of batch.entries()) {
        const body = JSON.stringify(slackMessage(notice, about().consoleUrl))
        const answer = await post({ url, headers, body, allowPrivate, ca, timeoutMs }, signal).catch(asUnavailable)
        if (judge(answer) === 'refused')
          return { taken: at, refused: { reason: `the receiver answered ${answer.status}` } }
      }
      return { taken: batch.length }
    },
    close: async () => {},
  }
}
