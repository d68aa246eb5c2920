import { LeafPlace } from '../routes/log.ts'
import type { Operation } from './operation.ts'

/** The transparency log. */
export const logOperations: Operation[] = [
  {
    method: 'get',
    path: '/api/log/key',
    summary: 'Public key of the transparency log, as c2sp.org/signed-note writes it',
    answerType: 'text/plain',
  },
  {
    method: 'get',
    path: '/api/log/checkpoint',
    summary: 'Latest checkpoint of the transparency log (c2sp.org/tlog-checkpoint)',
    answerType: 'text/plain',
  },
  {
    method: 'get',
    path: '/api/log/tile/{path}',
    summary: 'Tile or entry bundle of the transparency log; the path holds slashes, as c2sp.org/tlog-tiles has them',
    answerType: 'application/octet-stream',
  },
  {
    method: 'get',
    path: '/api/log/leaf/{id}',
    summary: 'Index of a leaf; the id is the RFC 6962 hash of its entry, hex',
    answer: LeafPlace,
  },
]
