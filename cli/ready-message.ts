import { hostname } from 'node:os'

/** What a newcomer reads when everything runs. */
export const readyMessage = (facts: {
  link: string
  linkMinutes: number
  httpPort: number
  sudoPort: number
  data: string
  headless: boolean
}): string => {
  const tunnel = `ssh -L ${facts.httpPort}:127.0.0.1:${facts.httpPort} ${hostname()}`
  return `
Bartizan is ready.

  Console      ${facts.link}
               (good once, for ${facts.linkMinutes} minutes; \`./bartizan login\` makes another)
  ${facts.headless ? 'No browser   ' : 'From afar    '}${tunnel}   and open the link on your own machine
  Sudo port    127.0.0.1:${facts.sudoPort}
  Data         ${facts.data}

Next:
  1. Open the link and sign in.
  2. Record a first user: README.md, "Record a real bastion" (ten minutes, one command undoes it).
  3. Log in as that user over ssh and watch the session appear.

Ctrl-C stops everything: open sessions are told, sealed, and kept.
`
}
