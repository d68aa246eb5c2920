import { boundedLines } from './lines.ts'

const limits = { maxLines: 50_000, maxChars: 4_096 }
const maxPending = 5_000
const installs =
  /^Inst ([a-z0-9][a-z0-9+.-]{0,127})(?::[a-z0-9]{1,16})? \[[^\]]{1,200}\] \(([A-Za-z0-9.+~:-]{1,200}) ([^)]{1,400})\)/
const security = /(?:Debian-Security:|-security\b|ESM\w{0,8}:)/i

/** Security updates that `apt-get --simulate dist-upgrade` would install. Packages that are not installed yet do not count. */
export const readPendingUpdates = (text: string): { name: string; version: string }[] =>
  boundedLines(text, limits)
    .flatMap((line) => {
      const [, name, version, origin] = installs.exec(line) ?? []
      return name !== undefined && security.test(origin!) ? [{ name, version: version! }] : []
    })
    .slice(0, maxPending)

const unattended = /^\s*(?:APT::Periodic::Unattended-Upgrade|Unattended-Upgrade)\s+"?([^";]{1,20})"?\s*;/gm
/** apt.conf(5): whether upgrades install themselves; null: this file does not say. */
export const readUnattended = (text: string): boolean | null => {
  const last = [...text.slice(0, 65_536).matchAll(unattended)].at(-1)?.[1]
  return last === undefined ? null : last.trim() !== '0'
}

const compiler =
  /^(?:[a-z0-9_]{1,20}-linux-[a-z]{1,12}-)?(?:cc|gcc|c\+\+|g\+\+|clang|clang\+\+|tcc|gfortran|rustc|ghc)(?:-\d{1,3}(?:\.\d{1,3})?)?$|^(?:go|gccgo|cobc|fpc|nasm|ldc2|zig|javac)$/
/** Names of programs that make programs. */
export const compilersAmong = (names: readonly string[]): string[] =>
  [...new Set(names.filter((name) => compiler.test(name)))].sort()
