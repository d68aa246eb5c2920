import { Command } from 'commander'
import { z } from 'zod'
import { callInstance } from './instance.ts'
import { configOf } from './settings.ts'

const Link = z.object({ url: z.string(), expiresAt: z.string() })

export const loginCommand = (): Command =>
  new Command('login')
    .description('Print a new one-time sign-in link for a browser.')
    .option('--role <role>', 'what the browser may do: admin, analyst, oncall, auditor', 'admin')
    .option('--name <name>', 'who signs in; stands in the audit trail', 'owner')
    .option('--json', 'print {url, expiresAt}')
    .addHelpText('after', '\nExample: bartizan login --role analyst --name dana')
    .action(async (options: { role: string; name: string; json?: boolean }, command: Command) => {
      const link = Link.parse(
        await callInstance(configOf(command), 'POST', '/api/login-links', { role: options.role, name: options.name }),
      )
      process.stdout.write(
        options.json ? `${JSON.stringify(link)}\n` : `${link.url}\n(good once, until ${link.expiresAt})\n`,
      )
    })
