/** What stands in every bundle for whoever opens it. */
export const readMeOf = (sessionId: string, hasKey: boolean): string => `# Recorded session ${sessionId}

Evidence of one recorded session, with what it takes to check it without trusting whoever sent it. What you need from somewhere else is
the public key of the transparency log (\`log.pub\` here is a copy: compare it with one that you got on another way), or a checkpoint
of it that you kept.

| file | content |
|---|---|
| \`evidence/…/<first batch, 12 digits>\` | blocks: what was recorded, encrypted under the key of the session |
| \`evidence/…/manifest-NNNN\` | which blocks there are, with the SHA-256 of each; the last one counts |
| \`evidence/…/acts/…\` | what people decided about this evidence: holds, retention, erasure |
| \`proofs.json\` | where manifests and acts stand in the log, each with its inclusion proof (RFC 9162, 2.1.3) |
| \`checkpoint\` | the head of the log that the proofs lead to, signed (c2sp.org/tlog-checkpoint) |
| \`log.pub\` | verifier key of the log (c2sp.org/signed-note) |
| \`agents.json\` | public keys of the recording agents of the session's bastion |
${hasKey ? '| `session.key` | the key of the session, base64: WHOEVER HAS THIS FILE CAN READ THE RECORDING |\n' : ''}| \`SHA256SUMS\` | of every file, as sha256sum prints them |

With Bartizan, on any machine, without a connection:

    bartizan verify --log-key LOG.PUB-FROM-ELSEWHERE bundle.tar
${hasKey ? '    bartizan verify --log-key LOG.PUB-FROM-ELSEWHERE --level content bundle.tar\n' : ''}
By hand, in this folder:

    sha256sum --check SHA256SUMS       # nothing was damaged on the way
    sha256sum evidence/v*/*/*/0*       # compare with blocks[].sha256 of the last manifest

1. The leaf of a manifest is its entry in \`proofs.json\` (\`leaf\`) as JSON with sorted keys and without white space; \`sha256\` in it is that
   of the manifest. Its hash: SHA-256 of a byte 0 and the entry.
2. From there to the root: RFC 9162, 2.1.3.2, with \`index\`, \`proof\` and the size in line 2 of \`checkpoint\`. The root is line 3, base64.
3. The signature of the checkpoint: Ed25519 over its first three lines, each with its line feed. The signature line ends with base64 of 4 bytes
   key id and 64 bytes of signature; \`log.pub\` ends with base64 of a byte 1 and the 32 bytes of the key.

What decrypted content has to match (chain of hashes, signatures of the agents) is described with a program of 80 lines in
\`docs/verify-by-hand.md\` of Bartizan. Events (logins, commands as they were found) stand in blocks of many sessions and are no part of this bundle.
`
