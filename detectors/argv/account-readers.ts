import { act, type Reader } from './acts.ts'
import { letters, readOptions } from './options.ts'

/** Accounts, groups and capabilities. */

const adminGroups = new Set('sudo wheel admin root adm docker lxd libvirt disk shadow'.split(' '))
const hasAdmin = (groups: string | undefined): boolean =>
  (groups ?? '').split(',').some((group) => adminGroups.has(group))

const withValue = letters(
  'G g u c d e f s p k K b R P groups gid uid comment home home-dir expiredate inactive shell password append-groups root prefix',
)

const addingValues = new Set([...withValue, 'ingroup', 'gecos'])

const modifying: Reader = (args) => {
  const { values } = readOptions(args, { withValue })
  const uid = values.get('u') ?? values.get('uid')
  const isAdmin =
    hasAdmin(values.get('G') ?? values.get('groups')) || hasAdmin(values.get('g') ?? values.get('gid')) || uid === '0'
  return isAdmin ? act('admin-group') : []
}

const adding: Reader = (args, who, read, name) => {
  const asAdmin = modifying(args, who, read, name)
  if (asAdmin.length > 0) return asAdmin
  const { flags, operands } = readOptions(args, { withValue: addingValues })
  if (name === 'adduser' && operands.length > 1) return hasAdmin(operands[1]) ? act('admin-group') : []
  const isSystem = flags.has('r') || flags.has('system')
  return operands.length > 0 && !isSystem && !flags.has('D') ? act('new-account') : []
}

const grouping: Reader = (args) => {
  const { flags, values, operands } = readOptions(args, {
    withValue: letters('a A d M add delete administrators members g group'),
  })
  const isAdding = ['a', 'A', 'M', 'add'].some((flag) => flags.has(flag))
  const group = values.get('g') ?? values.get('group') ?? operands.at(-1)
  return isAdding && hasAdmin(group) ? act('admin-group') : []
}

const password: Reader = (args, { user, isRoot }) => {
  const { flags, operands } = readOptions(args, { withValue: letters('n x w i R') })
  if (['S', 'status', 'l', 'lock', 'e', 'expire'].some((flag) => flags.has(flag))) return []
  const owner = operands[0] ?? (isRoot ? 'root' : user)
  return owner === user ? [] : act('password-of-other')
}

const mighty = 'setuid setgid sys_admin dac_override dac_read_search sys_ptrace chown fowner sys_module setfcap'.split(
  ' ',
)
const setcap: Reader = (args) => {
  const capabilities = readOptions(args, { withValue: letters('n') }).operands[0]?.toLowerCase() ?? ''
  const isAll = capabilities.startsWith('=') || capabilities.startsWith('all')
  return isAll || mighty.some((one) => capabilities.includes(`cap_${one}`)) ? act('capability') : []
}

export const accountReaders: ReadonlyMap<string, Reader> = new Map([
  ['usermod', modifying],
  ['useradd', adding],
  ['adduser', adding],
  ['gpasswd', grouping],
  ['groupmems', grouping],
  ['passwd', password],
  ['chpasswd', () => act('password-of-other')],
  ['setcap', setcap],
])
