import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The home of somebody who types: what the shells remember of typed lines is the truth, kept outside of the recording. */

export type Kind = 'bash' | 'zsh' | 'python'
type Owner = { home: string; uid: number; gid: number }

const bashPrompts = [
  'PS1="\\u@\\h:\\w\\$ "',
  'PS1="\\[\\e[01;32m\\]\\u@\\h\\[\\e[00m\\]:\\[\\e[01;34m\\]\\w\\[\\e[00m\\]\\$ "',
  'PS1="\\[\\e[35m\\][\\t]\\[\\e[m\\] \\w\\n\\[\\e[1m\\]\\$\\[\\e[m\\] "',
  `PS1='\\w$(git branch --show-current 2>/dev/null | sed "s/.*/ (&)/")❯ '`,
  'PS1="\\! \\$? \\$ "',
]
const zshPrompts = [
  'PROMPT="%n@%m:%~%# "',
  'PROMPT="%F{blue}%~%f %(?.%F{green}.%F{red})❯%f " RPROMPT="[%D{%H:%M:%S}]"',
  'PROMPT=$\'%F{cyan}%n%f in %~\\n%# \' RPROMPT="%F{8}right%f"',
  "setopt promptsubst; PROMPT='%~ $(git branch --show-current 2>/dev/null)> '",
]

const bashrc = (prompt: string): string => `
HISTFILE=~/.truth-bash HISTSIZE=100000 HISTFILESIZE=100000 HISTCONTROL=
shopt -u cmdhist; shopt -s histappend
PROMPT_COMMAND='history -a; printf "\\033]0;p$((++typist))\\007"'
${prompt}
alias ll='ls -l'
export PYTHONSTARTUP=~/.startup.py LANG=C.UTF-8 LC_ALL=C.UTF-8
cd ~/work
`

// As zsh-autosuggestions shows what it has to offer, and takes it at cursor right.
const suggestions = `
_suggest() {
  POSTDISPLAY=; region_highlight=()
  [[ -n $BUFFER && $PENDING -eq 0 ]] || return
  local found=\${history[(r)\${(b)BUFFER}*]}
  [[ -n $found ]] && POSTDISPLAY=\${found#$BUFFER} && region_highlight=("$#BUFFER $(($#BUFFER + $#POSTDISPLAY)) fg=8")
}
_take_suggestion() {
  if [[ $CURSOR -eq $#BUFFER && -n $POSTDISPLAY ]]; then BUFFER+=$POSTDISPLAY POSTDISPLAY= CURSOR=$#BUFFER; else zle .forward-char; fi
}
_no_suggestion() { POSTDISPLAY=; region_highlight=() }
zle -N zle-line-pre-redraw _suggest
zle -N zle-line-finish _no_suggestion
zle -N forward-char _take_suggestion
`
const zshrc = (prompt: string, suggests: boolean): string => `
HISTSIZE=100000 SAVEHIST=0
zshaddhistory() { print -rn -- "$1" >>~/.truth-zsh }
precmd() { print -n "\\e]0;p$((++typist))\\a" }
${prompt}
alias ll='ls -l'
bindkey -e
autoload -Uz compinit && compinit -u -D
setopt ${suggests ? 'menucomplete' : 'interactivecomments'}
setopt interactivecomments
${suggests ? suggestions : ''}
`
const startup = `
import atexit, getpass, os, readline, subprocess
def ls(word): subprocess.run(['ls', '-d', word])
atexit.register(lambda: readline.write_history_file(os.path.expanduser('~/.truth-python')))
`
const several = '#!/bin/sh\nls -d "$1"\nwc -c /etc/hostname "$1"\nbasename "$1"\n'

const filesOf = (seed: number): Record<string, string> => ({
  '.bash_profile': bashrc(bashPrompts[seed % bashPrompts.length]!),
  '.zshrc': zshrc(zshPrompts[seed % zshPrompts.length]!, seed % 2 === 1),
  '.startup.py': startup,
  '.hushlogin': '',
  'work/several.sh': several,
  'work/unique-file-name': '',
  'work/pair-alpha': '',
  'work/pair-beta': '',
  'work/alphabet': '',
  'work/gamma': '',
  'work/deep/one': '',
  'work/deep/two words': '',
})

const truthFiles = ['.truth-bash', '.truth-zsh', '.truth-python', '.python_history']

export const prepareHome = async ({ home, uid, gid }: Owner, seed: number): Promise<void> => {
  for (const folder of ['work', 'work/deep', 'work/.git']) {
    await mkdir(join(home, folder), { recursive: true })
    await chown(join(home, folder), uid, gid)
  }
  for (const [name, content] of Object.entries(filesOf(seed))) {
    await writeFile(join(home, name), content)
    await chmod(join(home, name), 0o755)
    await chown(join(home, name), uid, gid)
  }
  for (const name of truthFiles) await rm(join(home, name), { force: true })
}

export type Remembered = Record<Kind, string[]>
export const remembered = async ({ home }: Pick<Owner, 'home'>): Promise<Remembered> => {
  const linesOf = async (name: string): Promise<string[]> =>
    (await readFile(join(home, name), 'utf8').catch(() => '')).split('\n').filter((line) => line.trim() !== '')
  return {
    bash: await linesOf('.truth-bash'),
    zsh: await linesOf('.truth-zsh'),
    python: await linesOf('.truth-python'),
  }
}
