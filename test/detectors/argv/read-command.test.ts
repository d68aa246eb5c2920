import test from 'ava'
import { quote } from 'shell-quote'
import { actsOfArgv, actsOfLine } from '#detectors/argv/read-command.ts'

const alice = { user: 'alice', isRoot: false }
const ofLine = (line: string, isRoot = false) => actsOfLine(line, { ...alice, isRoot }).map(({ kind }) => kind)
const ofArgv = (argv: string[], isRoot = false) => actsOfArgv(argv, { ...alice, isRoot }).map(({ kind }) => kind)

/** As typed; each is also executed through `bash -c`. */
const lines: Record<string, string[]> = {
  'root-shell': [
    'sudo -i',
    'sudo -s',
    'sudo su',
    'sudo su -',
    'su -',
    'su',
    'su root',
    'sudo bash',
    'sudo -H /bin/bash',
    'sudo -nu root bash -p',
    'sudo -u root -- /bin/sh',
    'sudo env TERM=xterm bash -l',
    'LANG=C nohup sudo -i',
    'timeout 60 sudo -i',
    'cd /tmp && sudo -i',
    'doas -s',
    'pkexec /bin/sh',
    'sudo --login --user=root',
    'sudo nice -n 5 /bin/sh',
  ],
  'other-shell': ['su - bob', 'sudo -iu postgres', 'sudo -u bob bash', 'sudo su - bob'],
  'invalid-uid': ['sudo -u#-1 bash', 'sudo -u "#4294967295" id', 'sudo --user=#-1 vi'],
  'sudo-chroot': ['sudo -R /tmp/woot id', 'sudo --chroot=/tmp/woot id'],
  'sudo-preload': ['sudo LD_PRELOAD=/tmp/x.so find'],
  sudoers: [
    'visudo',
    'sudo visudo',
    'sudo visudo -f /etc/sudoers.d/x',
    'sudo vim /etc/sudoers',
    'sudoedit /etc/sudoers.d/alice',
    'sudo -e /etc/sudoers',
    'echo "alice ALL=(ALL) NOPASSWD: ALL" | sudo tee -a /etc/sudoers',
    'sudo cp x /etc/sudoers.d/',
    "sudo sed -i 's/a/b/' /etc/sudoers",
    "sudo sh -c 'echo alice ALL=NOPASSWD:ALL >> /etc/sudoers.d/alice'",
    'sudo chmod 777 /etc//sudoers',
    'sudo dd if=x of=/etc/sudoers.d/../sudoers.d/x',
  ],
  'authorized-keys': [
    'tee -a /home/bob/.ssh/authorized_keys',
    'sudo vim /root/.ssh/authorized_keys',
    'cat key >> /root/.ssh/authorized_keys',
    'sudo tee -a ~/.ssh/authorized_keys',
    'cp k /home/bob/.ssh/authorized_keys2',
  ],
  shadow: [
    'cat /etc/shadow',
    'sudo cat /etc/shadow',
    'sudo cp /etc/shadow /tmp/s',
    'sudo tar czf /tmp/x.tgz /etc/shadow /etc/passwd',
    'sudo grep root /etc/shadow',
    'getent shadow',
    'sudo dd if=/etc/shadow of=/tmp/x',
    'sudo vim /etc/shadow',
  ],
  'passwd-file': ['sudo vi /etc/passwd', 'echo x:0:0::/:/bin/sh >> /etc/passwd', 'sudo vipw'],
  pam: ['sudo nano /etc/pam.d/sshd', 'sudo cp x /etc/pam.d/sudo'],
  escape: [
    'sudo find . -exec /bin/sh \\; -quit',
    'sudo find /etc -name x -exec bash -p ";"',
    'sudo awk \'BEGIN {system("/bin/sh")}\'',
    "sudo vim -c ':!/bin/sh'",
    'sudo vim "+!sh"',
    'sudo python3 -c \'import os; os.system("/bin/sh")\'',
    'sudo perl -e \'exec "/bin/sh";\'',
    'sudo tar -cf /dev/null /dev/null --checkpoint=1 --checkpoint-action=exec=/bin/sh',
    "sudo git -c core.pager='/bin/sh' --paginate log",
    "sudo ssh -o ProxyCommand=';sh 0<&2 1>&2' x",
    'sudo apt-get update -o APT::Update::Pre-Invoke::=/bin/sh',
    'sudo strace -o /dev/null /bin/sh',
    'sudo flock -u / /bin/sh',
  ],
  'own-escape': ["vim -c ':!/bin/sh'", 'find . -exec /bin/sh \\;', 'awk \'BEGIN {system("/bin/sh")}\''],
  setuid: [
    'sudo chmod u+s /usr/bin/find',
    'sudo chmod 4755 x',
    'chmod -R ug+s x',
    'sudo install -m 4755 sh /tmp/sh',
    'chmod 06755 x',
  ],
  capability: ['sudo setcap cap_setuid+ep /usr/bin/python3', 'setcap cap_net_raw,cap_sys_admin=eip x'],
  'host-from-container': [
    'docker run -v /:/mnt --rm -it alpine chroot /mnt sh',
    'docker run --rm --mount type=bind,source=/,target=/h alpine',
    'sudo nsenter -t 1 -m -u -i -n -p sh',
    'nsenter --target=1 --mount',
    'lxc config device add c d disk source=/ path=/mnt',
  ],
  'privileged-container': ['docker run --privileged -it alpine sh'],
  'admin-group': [
    'sudo usermod -aG sudo bob',
    'sudo usermod -a -G docker,wheel bob',
    'sudo gpasswd -a bob wheel',
    'sudo adduser bob sudo',
    'sudo useradd -o -u 0 toor',
    'sudo usermod --groups=admin bob',
  ],
  'new-account': ['sudo useradd -m eve', 'sudo adduser eve'],
  'password-of-other': ['sudo passwd bob', 'sudo passwd', 'echo bob:x | sudo chpasswd'],
  'audit-off': [
    'sudo auditctl -e 0',
    'sudo auditctl -D',
    'sudo systemctl stop auditd',
    'sudo systemctl disable --now rsyslog.service',
    'sudo service rsyslog stop',
    'sudo pkill -9 auditd',
    'sudo setenforce 0',
  ],
  'log-wipe': [
    'sudo rm -f /var/log/auth.log',
    'sudo truncate -s 0 /var/log/wtmp',
    'sudo sh -c "> /var/log/secure"',
    'sudo rm -rf /var/log/audit/audit.log',
    'sudo shred -u /var/log/btmp',
    'sudo cp /dev/null /var/log/auth.log',
  ],
  'history-wipe': [
    'history -c',
    'unset HISTFILE',
    'export HISTFILE=/dev/null',
    'HISTSIZE=0',
    'rm ~/.bash_history',
    'ln -sf /dev/null ~/.bash_history',
    '> ~/.bash_history',
    'set +o history',
  ],
  cron: ['sudo vim /etc/crontab', 'sudo crontab -e', 'sudo crontab -u bob -e', 'sudo cp x /etc/cron.d/job'],
  'sshd-config': ['sudo vim /etc/ssh/sshd_config'],
}
for (const [kind, each] of Object.entries(lines))
  test(`sees ${kind}`, (t) => {
    for (const line of each) {
      t.true(ofLine(line).includes(kind as never), `${line}: ${ofLine(line)}`)
      t.true(ofArgv(['bash', '-c', line]).includes(kind as never), `bash -c: ${line}`)
    }
  })

const harmless = [
  'grep sudoers /etc/nsswitch.conf',
  'grep -r /etc/shadow docs',
  'man sudo',
  'man 5 sudoers',
  'cat runbook.md',
  'cat how-to-sudo-su.md',
  'less /var/log/auth.log',
  'sudo tail -f /var/log/auth.log',
  'ls /etc/sudoers.d',
  'ls -l /etc/shadow /etc/sudoers',
  'stat /etc/shadow',
  'vim runbook-sudo-i.md',
  'vim notes-about-/etc/sudoers.md',
  'echo "then run: sudo -i"',
  "echo 'sudo su -; cat /etc/shadow; history -c'",
  'cat <<EOF\nsudo -i\nEOF',
  'git commit -m "sudo -i; rm /var/log/auth.log"',
  'sudo systemctl restart nginx',
  'sudo systemctl status auditd',
  'sudo systemctl restart rsyslog',
  'sudo visudo -c',
  'sudo -l',
  'sudo -v',
  'sudo -u postgres psql',
  'su - postgres -c "psql -l"',
  'sudo apt-get install -y vim',
  'sudo useradd --system --no-create-home prom',
  'sudo find /var/log -name "*.gz" -exec rm {} +',
  'sudo find . -exec sh -c "gzip $1" _ {} \\;',
  'sudo rm /var/log/nginx/access.log.3.gz',
  'sudo rm /var/log/syslog.2.gz',
  "awk '{print $1}' /etc/passwd",
  'cat /etc/passwd',
  'getent passwd bob',
  'id; whoami; groups',
  'chmod 755 x',
  'chmod g+s shared',
  'chmod 2775 shared',
  'chmod +x deploy.sh',
  'passwd',
  'sudo passwd -S bob',
  'crontab -e',
  'crontab -l',
  'sudo crontab -l',
  'vim ~/.ssh/authorized_keys',
  'cat key.pub >> ~/.ssh/authorized_keys',
  'cat /home/alice/.ssh/authorized_keys',
  'vim /home/alice/.ssh/authorized_keys',
  'python3 -c "print(1)"',
  'docker run --rm -v /srv:/srv alpine ls',
  'docker exec -it web sh',
  'docker ps',
  'sudo setcap cap_net_bind_service=+ep ./web',
  'history',
  'history -d 5',
  'sudo pkill -HUP rsyslogd',
  'tar czf x.tgz .',
  'ssh -o ProxyCommand="nc %h %p" host',
  'make sudo',
  'bash deploy.sh sudo -i',
  'rsync -a -e ssh x y:z',
  'vim -c "set nu" x',
  'sudo journalctl -u sshd',
  'export HISTSIZE=10000',
  'sudo **** -i',
  'sudoers',
  '',
  '"',
  "'; ${",
]
test('sees nothing in commands that are none, or only mention one', (t) => {
  for (const line of harmless) {
    t.deepEqual(ofLine(line), [], line)
    t.deepEqual(ofArgv(['bash', '-c', line]), [], `bash -c: ${line}`)
  }
})

test('takes words as they were executed, not as they would be quoted', (t) => {
  t.deepEqual(ofArgv(['grep', 'x; sudo -i', 'file']), [])
  t.deepEqual(ofArgv(['echo', '>', '/etc/sudoers']), [])
  t.deepEqual(ofArgv(['sudo', '-u', 'root', 'tee', '/etc/sudoers']), ['sudoers'])
  t.deepEqual(ofArgv(['/usr/bin/sudo', '--', '/usr/bin/env', 'A=b', '/bin/bash']), ['root-shell'])
})

test('never takes the wrapper of a recorded session for anything', (t) => {
  const wrapper = ['bash', '/usr/local/lib/bartizan/bartizan-session', '--recorded', '4711']
  for (const argv of [wrapper, [...wrapper, 'sudo -i'], ['sudo', '-u', 'alice', '/bin/bash', ...wrapper.slice(1)]])
    t.deepEqual(ofArgv(argv), [])
  t.deepEqual(ofArgv(['sudo', '-k', ...wrapper]), [])
  t.deepEqual(ofArgv(['/bin/bash', '-c', 'ls']), [])
})

test('words of any kind neither throw nor take long', (t) => {
  const startedMs = performance.now()
  const pieces = [
    '"',
    "'",
    '$(',
    '${',
    '`',
    '<<',
    '<(',
    '|',
    '&&',
    '\\',
    'sudo',
    '-u',
    '\n',
    '()',
    '*',
    ';',
    '\u0000',
    '-',
  ]
  for (let n = 0; n < 4_000; n++) {
    const words = Array.from({ length: 1 + (n % 9) }, (_, at) => pieces[(n * 7 + at * (1 + (n % 5))) % pieces.length]!)
    ofLine(words.join(n % 2 ? ' ' : ''))
    ofArgv(['bash', '-c', words.join(' ')])
    ofArgv(words)
    ofLine(quote(words))
  }
  for (const piece of pieces) ofLine(piece.repeat(200_000))
  ofArgv(new Array(100_000).fill('env'))
  t.true(performance.now() - startedMs < 20_000)
})
