import { type Check, judged, named } from '../verdict.ts'

export const compilers: Check = {
  id: 'compilers',
  about: '`warn`: there are compilers on the bastion, which is for passing through',
  fix: 'apt-get purge the packages that bring them (dpkg -S /usr/bin/NAME), such as build-essential',
  judge: (view) =>
    judged(view.compilers, (found) => [
      { status: found.length === 0 ? 'ok' : 'warn', detail: named(found, 'programs') },
    ]),
}
