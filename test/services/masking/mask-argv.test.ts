import test from 'ava'
import fc from 'fast-check'
import { parse } from 'shell-quote'
import { maskArgv, maskCommandLine } from '#services/masking/mask-argv.ts'

const masked: [line: string, expected: string][] = [
  ['mysql -uroot -pS3cret shop', 'mysql -uroot -p[masked] shop'],
  ["mysql -p'S3 cret' shop", "mysql -p'[masked]' shop"],
  ["mysql -pS3'cr et' shop", 'mysql -p[masked] shop'],
  ['/usr/bin/mysqldump --password=S3cret shop > dump.sql', '/usr/bin/mysqldump --password=[masked] shop > dump.sql'],
  ['sudo -u app mariadb -pS3cret', 'sudo -u app mariadb -p[masked]'],
  ['docker exec db mysql -pS3cret', 'docker exec db mysql -p[masked]'],
  ['sshpass -p S3cret ssh -p 2222 host', 'sshpass -p [masked] ssh -p 2222 host'],
  ['sshpass -pS3cret ssh host', 'sshpass -p[masked] ssh host'],
  [
    'tool --token S3cret --secret=S3cret --api-key S3cret',
    'tool --token [masked] --secret=[masked] --api-key [masked]',
  ],
  ['tool -password S3cret run', 'tool -password [masked] run'],
  ['PGPASSWORD=S3cret psql -h db', 'PGPASSWORD=[masked] psql -h db'],
  ["PGPASSWORD='S3 cret' psql -h db", "PGPASSWORD='[masked]' psql -h db"],
  [
    'export AWS_SECRET_ACCESS_KEY="S3cret" X_API_KEY=S3cret',
    'export AWS_SECRET_ACCESS_KEY="[masked]" X_API_KEY=[masked]',
  ],
  ['MYSQL_PWD=S3cret REDISCLI_AUTH=S3cret cmd', 'MYSQL_PWD=[masked] REDISCLI_AUTH=[masked] cmd'],
  [
    'docker run -e DB_PASSWORD=S3cret --env=API_TOKEN=S3cret img',
    'docker run -e DB_PASSWORD=[masked] --env=API_TOKEN=[masked] img',
  ],
  [
    'java -Djavax.net.ssl.keyStorePassword=S3cret -jar a.jar',
    'java -Djavax.net.ssl.keyStorePassword=[masked] -jar a.jar',
  ],
  ['git clone https://bob:S3cret@host/repo.git', 'git clone https://bob:[masked]@host/repo.git'],
  ['git clone https://ghp_0123456789abcdefghij@host/r', 'git clone https://[masked]@host/r'],
  ['psql postgres://u:S3cr@t@db/x?sslmode=on', 'psql postgres://u:[masked]@db/x?sslmode=on'],
  ['curl -u bob:S3cret https://host/', 'curl -u bob:[masked] https://host/'],
  ['curl -sSu bob:S3cret https://host/', 'curl -sSu bob:[masked] https://host/'],
  ['curl -ubob:S3cret --proxy-user p:S3cret x', 'curl -ubob:[masked] --proxy-user p:[masked] x'],
  ["curl -H 'Authorization: Bearer S3cret' x", "curl -H 'Authorization: Bearer [masked]' x"],
  ['curl -H "X-Api-Key: S3cret" -H "Accept: text/html" x', 'curl -H "X-Api-Key: [masked]" -H "Accept: text/html" x'],
  ['curl "https://host/?a=1&token=S3cret&b=2"', 'curl "https://host/?a=1&token=[masked]&b=2"'],
  [`curl -d '{"user": "bob", "password": "S3cret"}' x`, `curl -d '{"user": "bob", "password": "[masked]"}' x`],
  ['openssl rsa -in a.key -passin pass:S3cret', 'openssl rsa -in a.key -passin pass:[masked]'],
  ['redis-cli -a S3cret ping', 'redis-cli -a [masked] ping'],
  ['docker login -u bob -p S3cret registry', 'docker login -u bob -p [masked] registry'],
  ['sqlplus scott/S3cret@//db:1521/x', 'sqlplus scott/[masked]@//db:1521/x'],
  ['smbclient -U bob%S3cret //host/share', 'smbclient -U bob%[masked] //host/share'],
  ['ldapsearch -x -D cn=a -w S3cret', 'ldapsearch -x -D cn=a -w [masked]'],
  ['zip -rP S3cret a.zip dir', 'zip -rP [masked] a.zip dir'],
  ['7z a -pS3cret a.7z dir', '7z a -p[masked] a.7z dir'],
  ['mysql -e "CREATE USER a IDENTIFIED BY \'S3cret\'"', 'mysql -e "CREATE USER a IDENTIFIED BY \'[masked]\'"'],
  ["bash -c 'mysql -pS3cret | wc -l'", "bash -c 'mysql -p[masked] | wc -l'"],
  [`ssh host "PGPASSWORD=S3cret psql -c 'select 1'"`, `ssh host "PGPASSWORD=[masked] psql -c 'select 1'"`],
  ['aws configure set aws_secret_access_key S3cret', 'aws configure set aws_secret_access_key [masked]'],
  ['cd /tmp; mysql -pS3cret', 'cd /tmp; mysql -p[masked]'],
  ['echo a|mysql -pS3cret&&ls', 'echo a|mysql -p[masked]&&ls'],
]
for (const [line, expected] of masked)
  test(`masked: ${line}`, (t) => {
    t.is(maskCommandLine(line), expected)
    t.is(maskCommandLine(expected), expected)
  })

const kept = [
  'mkdir -p dir/sub',
  'ps -p 1',
  'nmap -p 22 host',
  'ssh -p 2222 host',
  'cp -p a b',
  'rsync --password-file=/etc/rsync.pw a b',
  'docker run -p 80:80 nginx',
  'docker login --password-stdin -u bob registry',
  'mysql -u root -p shop',
  'mysql --password -h host',
  'mysql; ls -pa',
  'openssl rsa -passin file:/root/pw -in a.key',
  'ansible-playbook --ask-become-pass site.yml',
  'psql --no-password -h db',
  'PASSWORD_FILE=/run/pw PWD=/tmp cmd',
  'git clone ssh://git@host/repo.git',
  'curl -u bob https://host:8443/a@b',
  "git commit -m 'fix: token handling and the secret path'",
  'grep -r token= src/',
  'wget https://host/secret/token.txt',
  'sqlplus / as sysdba',
  'kubectl get secret web -o yaml',
  "awk -F: '{print $1}' /etc/passwd",
  'COMPASS=north MONKEY=1 KEYBOARD=de make',
]
for (const line of kept) test(`kept: ${line}`, (t) => t.is(maskCommandLine(line), line))

const argvs: [argv: string[], expected: string[]][] = [
  [
    ['mysql', '-pS3cret', 'shop'],
    ['mysql', '-p[masked]', 'shop'],
  ],
  [
    ['env', 'PGPASSWORD=my secret', 'psql'],
    ['env', 'PGPASSWORD=[masked]', 'psql'],
  ],
  [
    ['bash', '-c', 'PGPASSWORD=S3cret psql -h db'],
    ['bash', '-c', 'PGPASSWORD=[masked] psql -h db'],
  ],
  [
    ['/bin/bash', '-lc', "mysql -p'S3 cret' | wc"],
    ['/bin/bash', '-lc', "mysql -p'[masked]' | wc"],
  ],
  [
    ['curl', '-H', 'Authorization: Basic S3cret', 'x'],
    ['curl', '-H', 'Authorization: Basic [masked]', 'x'],
  ],
  [
    ['mysql', '-p', 'shop'],
    ['mysql', '-p', 'shop'],
  ],
  [
    ['mkdir', '-p', 'mysql'],
    ['mkdir', '-p', 'mysql'],
  ],
  [
    ['x', '--password', 'mysql', '--password', 'S3cret'],
    ['x', '--password', '[masked]', '--password', '[masked]'],
  ],
  [[], []],
  [
    ['', '--password', ''],
    ['', '--password', ''],
  ],
]
for (const [argv, expected] of argvs)
  test(`argv: ${JSON.stringify(argv)}`, (t) => t.deepEqual(maskArgv(argv), expected))

const wordish = fc.constantFrom(
  'mysql',
  '-pSECRETS',
  '--password',
  '--token=SECRETS',
  "'SECRETS x'",
  '"a b"',
  'ls',
  ';',
  '|',
  'a\\ b',
  'A_TOKEN=SECRETS',
)

test('the rest of a line, blanks and quotes too, stays as it was', (t) => {
  fc.assert(
    fc.property(fc.array(wordish, { maxLength: 12 }), fc.constantFrom(' ', '  ', '\t'), (words, blank) => {
      const line = words.join(blank)
      const result = maskCommandLine(line)
      t.is(parse(result).length, parse(line).length, line)
      t.regex(line, new RegExp(`^${result.split('[masked]').map(RegExp.escape).join('[\\s\\S]+')}$`))
      t.is(maskCommandLine(result), result)
    }),
  )
})

test('hostile lines take bounded time', (t) => {
  const hostile = [
    'a'.repeat(200_000),
    "'".repeat(100_001),
    '\\'.repeat(100_001),
    '='.repeat(100_000),
    'token='.repeat(30_000),
    '--password '.repeat(15_000),
    'https://u:'.repeat(20_000),
    '"password": "'.repeat(15_000),
    'identified by '.repeat(15_000),
    'authorization: '.repeat(15_000),
    `${'"\\"'.repeat(30_000)}`,
    `bash -c '${'x '.repeat(50_000)}'`,
    'a-'.repeat(100_000),
    ' '.repeat(200_000),
    `x="${'password '.repeat(20_000)}"`,
  ]
  for (const line of hostile) {
    const start = performance.now()
    maskCommandLine(line)
    maskArgv([line, line])
    const tookMs = performance.now() - start
    t.true(tookMs < 3000, `${line.slice(0, 20)}…: ${tookMs.toFixed(0)} ms`)
    if (tookMs > 200) t.log(`${line.slice(0, 20)}…: ${tookMs.toFixed(0)} ms`)
  }
})
