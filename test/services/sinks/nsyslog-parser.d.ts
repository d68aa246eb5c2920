declare module 'nsyslog-parser' {
  type Texts = Record<string, string | undefined>
  type Read = {
    type: string
    version: number
    facility: string
    level: string
    ts: Date
    host: string
    appName: string
    messageid: string
    message: string
    structuredData: Texts[]
    cef: Texts
    leef: Texts
    fields: Texts
  }
  const parse: (line: string, options?: { cef?: boolean; leef?: boolean; fields?: boolean }) => Read
  export default parse
}
