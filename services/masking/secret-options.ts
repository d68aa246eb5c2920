/** How a program takes secrets on its command line, where the option's name does not say so. */
export type SecretOption = {
  option: string
  takes: 'attached' | 'next' | 'either' // -pX · -p X · both
  /** Which part of the value is the secret: all of it (default), or what follows a separator. */
  after?: ':' | '%'
  prefix?: string // the value is a secret only behind this
  subcommand?: string // only when this word came before
}

const attached = (option: string): SecretOption => ({ option, takes: 'attached' })
const next = (option: string): SecretOption => ({ option, takes: 'next' })
const either = (option: string): SecretOption => ({ option, takes: 'either' })
const login = (option: string): SecretOption => ({ option, takes: 'either', subcommand: 'login' })
const userAnd = (option: string, after: ':' | '%' = ':'): SecretOption => ({ option, takes: 'either', after })

const mysql = [attached('-p')]
const mongo = [either('-p')]
const ldap = [either('-w')]
const sqlClient = [either('-P')]
const registry = [login('-p')]
const smb = [userAnd('-U', '%'), userAnd('--user', '%')]
const curl = [userAnd('-u'), userAnd('--user'), userAnd('-U'), userAnd('--proxy-user'), next('--oauth2-bearer')]
const curlFiles = [userAnd('-E'), userAnd('--cert'), userAnd('--proxy-cert')]
const httpie = [userAnd('-a'), userAnd('--auth')]
const passArgument = ['-pass', '-passin', '-passout'].map(
  (option): SecretOption => ({ option, takes: 'next', prefix: 'pass:' }),
)
const snmp = [next('-A'), next('-X'), either('-c')]
const account = [either('-p')]
const archive = [attached('-p')]

/** From the manuals: a man page each; for docker, podman, helm, az the `login` reference. */
export const secretOptions: Readonly<Record<string, readonly SecretOption[]>> = {
  mysql,
  mariadb: mysql,
  mysqldump: mysql,
  'mariadb-dump': mysql,
  mysqladmin: mysql,
  'mariadb-admin': mysql,
  mysqlimport: mysql,
  'mariadb-import': mysql,
  mysqlshow: mysql,
  mysqlcheck: mysql,
  'mariadb-check': mysql,
  mysqlsh: mysql,
  mysqlbinlog: mysql,
  mysqlslap: mysql,
  mycli: mysql,
  xtrabackup: mysql,
  mariabackup: mysql,
  mydumper: mongo,
  myloader: mongo,
  sshpass: [either('-p')],
  'redis-cli': [next('-a')],
  'valkey-cli': [next('-a')],
  docker: registry,
  podman: registry,
  nerdctl: registry,
  buildah: registry,
  skopeo: [...registry, ...['--creds', '--src-creds', '--dest-creds'].map((option) => userAnd(option))],
  helm: registry,
  oc: registry,
  az: registry,
  cf: registry,
  mongo,
  mongosh: mongo,
  mongodump: mongo,
  mongorestore: mongo,
  mongoexport: mongo,
  mongoimport: mongo,
  ldapsearch: ldap,
  ldapadd: ldap,
  ldapmodify: ldap,
  ldapdelete: ldap,
  ldapwhoami: ldap,
  ldappasswd: [...ldap, either('-a'), either('-s')],
  sqlcmd: sqlClient,
  bcp: sqlClient,
  isql: sqlClient,
  tsql: sqlClient,
  osql: sqlClient,
  curl: [...curl, ...curlFiles],
  http: httpie,
  https: httpie,
  xh: httpie,
  openssl: [...passArgument, next('-k'), next('-K')],
  keytool: [next('-storepass'), next('-keypass')],
  jarsigner: [next('-storepass'), next('-keypass')],
  smbclient: smb,
  rpcclient: smb,
  smbmap: [either('-p')],
  net: smb,
  ipmitool: [next('-P')],
  snmpget: snmp,
  snmpset: snmp,
  snmpwalk: snmp,
  snmpbulkwalk: snmp,
  'ssh-keygen': [either('-N'), either('-P')],
  plink: [next('-pw')],
  pscp: [next('-pw')],
  psftp: [next('-pw')],
  rdesktop: [either('-p')],
  xfreerdp: [attached('/p:')],
  wlfreerdp: [attached('/p:')],
  useradd: account,
  usermod: account,
  zip: [either('-P')],
  unzip: [either('-P')],
  '7z': archive,
  '7za': archive,
  '7zr': archive,
  rar: [attached('-hp'), attached('-p')],
  unrar: [attached('-p')],
  nmcli: [next('password'), next('wifi-sec.psk'), next('802-11-wireless-security.psk')],
}

/** Programs whose first plain argument is `user/secret@where`. */
export const slashLogins = new Set(['sqlplus', 'expdp', 'impdp', 'exp', 'imp', 'rman', 'sqlldr'])

/** `--password` of these takes its value behind `=` only: the next word is something else. */
export const optionalValue = new Set(Object.keys(secretOptions).filter((name) => secretOptions[name] === mysql))
