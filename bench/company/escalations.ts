import { serviceVisit } from './automation.ts'
import { everyday } from './commands.ts'
import type { Context } from './context.ts'
import { type Deed, gtfobins, line, rootKeys, shadow, shellOf, sudoers } from './deeds.ts'
import type { Person, Service } from './model.ts'
import { findServiceSlot, findSlot, plantVisit, quietVisit, type Variants, workMoment } from './planting.ts'
import type { Random } from './random.ts'
import { minuteMs } from './zone.ts'

const neverRoot = ({ traits }: Person) => !traits.sudoShell
const neverSudo = ({ traits }: Person) => !traits.sudoDuty

const during =
  (deed: Deed, suits: (person: Person) => boolean = neverRoot) =>
  (context: Context, random: Random, variant: string): boolean => {
    const slot = findSlot(context, random, { suits })
    if (!slot) return false
    const visit = quietVisit(context, random, slot, workMoment(random, slot), 'usual')
    if (!visit) return false
    const before = everyday(random, slot.person.role).slice(0, random.int(1, 6))
    const after = everyday(random, slot.person.role).slice(0, random.int(0, 4))
    return plantVisit(context, random, 'privilege-escalation', variant, {
      ...visit,
      forwards: [],
      commands: [...before, ...deed(random, visit.user), ...after],
      durationMs: random.int(5, 50) * minuteMs,
    })
  }

const byService =
  (deed: Deed) =>
  (context: Context, random: Random, variant: string): boolean => {
    const isNeverRoot = ({ job, exempt }: Service) => job !== 'config' && job !== 'backup' && !exempt
    const slot = findServiceSlot(context, random, isNeverRoot, [1, 23])
    if (!slot) return false
    const visit = serviceVisit(slot.service, random, slot.at)
    return plantVisit(context, random, 'privilege-escalation', variant, {
      ...visit,
      durationMs: 3 * minuteMs,
      commands: deed(random, visit.user),
    })
  }

export const privilegeVariants: Variants = {
  'sudo-shell': { count: 2, plant: during(shellOf('sudo -i', 'sudo')) },
  'su-root': {
    count: 2,
    plant: during((random, user) =>
      shellOf(random.pick(['su -', 'su - root', 'sudo su -', 'sudo su']), 'su')(random, user),
    ),
  },
  visudo: {
    count: 1,
    plant: during(
      line(
        () => 'sudo visudo',
        () => 'sudo EDITOR=vim visudo -f /etc/sudoers.d/local',
      ),
    ),
  },
  'sudoers-file': { count: 2, plant: during(sudoers) },
  'shadow-read': { count: 2, plant: during(shadow) },
  'privileged-group': {
    count: 1,
    plant: during(
      line(
        (user) => `sudo usermod -aG sudo ${user}`,
        (user) => `sudo gpasswd -a ${user} docker`,
        (user) => `sudo adduser ${user} wheel`,
      ),
    ),
  },
  setuid: {
    count: 1,
    plant: during(
      line(
        () => 'sudo chmod u+s /bin/bash',
        () => 'sudo chmod 4755 /usr/local/bin/helper',
        () => 'sudo chmod u+s /tmp/.x',
      ),
    ),
  },
  setcap: {
    count: 1,
    plant: during(
      line(
        () => 'sudo setcap cap_setuid+ep /usr/bin/python3.11',
        () => 'sudo setcap cap_dac_read_search+ep /usr/bin/tar',
      ),
    ),
  },
  gtfobins: { count: 2, plant: during(gtfobins) },
  'root-authorized-keys': { count: 1, plant: during(rootKeys) },
  'audit-off': {
    count: 1,
    plant: during((random) =>
      random.pick([
        [{ line: 'sudo systemctl stop auditd' }],
        [{ line: 'sudo auditctl -e 0' }],
        [{ line: 'sudo service auditd stop' }],
      ]),
    ),
  },
  'history-wipe': {
    count: 1,
    plant: during(
      (random) =>
        random.pick([
          [{ line: 'sudo rm -f /var/log/auth.log /root/.bash_history' }],
          [{ line: 'sudo truncate -s 0 /var/log/auth.log' }, { line: 'history -c' }],
          [{ line: 'unset HISTFILE' }, { line: 'history -c' }, { line: 'rm -f ~/.bash_history' }],
        ]),
      neverSudo,
    ),
  },
  'docker-host': {
    count: 1,
    plant: during(
      line(
        () => 'docker run -v /:/host --privileged -it alpine chroot /host sh',
        () => 'docker run --rm -it --privileged --pid=host -v /:/mnt debian bash',
      ),
    ),
  },
  'uid-zero': {
    count: 1,
    plant: during(
      line(
        () => 'sudo useradd -o -u 0 -g 0 -M -s /bin/bash sysd',
        () => 'sudo usermod -o -u 0 nobody',
      ),
    ),
  },
  'service-account': {
    count: 1,
    plant: byService((random, user) => random.pick([shellOf('sudo -i', 'sudo'), rootKeys, shadow])(random, user)),
  },
}
