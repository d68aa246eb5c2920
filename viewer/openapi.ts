import { extendZodWithOpenApi, OpenAPIRegistry, OpenApiGeneratorV31 } from '@asteasolutions/zod-to-openapi'
import { z } from 'zod'
import type { Operation } from './operations/operation.ts'
import { operations } from './operations.ts'

extendZodWithOpenApi(z)

const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string().optional(),
  code: z.string(),
  hint: z.string().optional(),
})

const contentOf = (type: string, schema: z.ZodType) => ({ content: { [type]: { schema } } })

const pathParameters = (path: string) => {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name!, z.string()])
  return names.length > 0 ? { params: z.object(Object.fromEntries(names)) } : {}
}

const register = (registry: OpenAPIRegistry, operation: Operation): void => {
  const { method, path, summary, query, headers, body, bodyType, answer, answerType, status = 200 } = operation
  const binary = z.string().openapi({ format: 'binary' })
  const answerBody =
    status === 204
      ? {}
      : contentOf(answerType ?? 'application/json', answer ?? (answerType ? binary : z.looseObject({})))
  registry.registerPath({
    method,
    path,
    summary,
    security: path.startsWith('/api') && !/^\/api\/(?:sign-in|shared)(?:\/|$)/.test(path) ? [{ bearer: [] }] : [],
    request: {
      ...pathParameters(path),
      ...(query && { query }),
      ...(headers && { headers }),
      ...((body || bodyType) && { body: contentOf(bodyType ?? 'application/json', body ?? binary) }),
    },
    responses: {
      [status]: { description: 'Done', ...answerBody },
      default: { description: 'RFC 9457 problem', ...contentOf('application/problem+json', Problem) },
    },
  })
}

/** The contract of the HTTP interface, generated from the schemas that check it. */
export const openApi = (url: string) => {
  const registry = new OpenAPIRegistry()
  registry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' })
  for (const operation of operations) register(registry, operation)
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: { title: 'Bartizan', version: '0', description: 'Session recording, audit and alerting for bastion hosts.' },
    servers: [{ url }],
  })
}
