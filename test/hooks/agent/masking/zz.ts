import { writeFileSync } from 'node:fs'
import { maskedBytes, replayed, rulesOf } from '#test/helpers/masked-replay.ts'
import { script, typedSession } from '#test/helpers/typed-session.ts'
import { lessHabits, shellHabits, topHabits, typing, vimHabits } from '#test/helpers/typed-text.ts'
const f='/tmp/zz.txt'; writeFileSync(f, Array.from({ length: 120 }, (_, index) => `line ${index + 1} of the file {}\n`).join(''))
const far=['python3',script('far-pty.py'),'150']
const sh=['bash','--norc','--noprofile','-i']
const P:any={ less:[['less',f],lessHabits,'line 9 of'], bash:[sh,shellHabits,'PS> '], bashvi:[[...sh,'-o','vi'],shellHabits,'PS> '], bashfar:[[...far,...sh],shellHabits,'PS> ',[20,80]], top:[['top','-d','2'],topHabits,'PID',[40,80]], vimfar:[[...far,'vim','-n',f],vimHabits,'line 1 of',[20,80]]}
const [argv,h,w,gap]=P[process.argv[2]!]
const ev=await typedSession({argv,env:{PS1:'PS> ',HISTFILE:'/dev/null'},steps:[{waitFor:w},...typing(h,405,+process.argv[3]!,gap)]})
writeFileSync(process.argv[4]!, JSON.stringify(ev.map(e=>({...e,data:e.data.toString('base64')}))))
for (const m of ['read','unknown']) { const p=replayed(ev, e=>m==='read'?e.mode:'unknown'); console.log(process.argv[2], m, maskedBytes(p), rulesOf(p)) }
