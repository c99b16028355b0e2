/**
 * How long `GET /me?days=30` takes on a running server, one request after the other, by a thousand
 * seeded users. Start one with `JWT_SECRET`, fill it with
 * `npm run seed -- --users 1000 --days 90 --operations 1000000`, then
 * `node --import tsx bench/me.ts --url http://localhost:8000`.
 */
import { parseArgs } from 'node:util'
import { mintToken } from '../scripts/mint-token.js'

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://localhost:8000' },
    requests: { type: 'string', default: '2000' },
  },
})
const secret = process.env.JWT_SECRET
if (!secret) throw new Error('JWT_SECRET must be that of the server')

const admin = mintToken({ secret, user: 'bench', role: 'admin', ttlSeconds: 3600, now: Date.now() })
const get = async (path: string, token: string): Promise<unknown> => {
  const response = await fetch(`${values.url}/ai/usage${path}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}
const { data } = (await get('/users?limit=500', admin)) as { data: { user_id: string }[] }
const tokens = data.map(({ user_id: user }) =>
  mintToken({ secret, user, ttlSeconds: 3600, now: Date.now() }),
)
const times: number[] = []
for (let index = 0; index < Number(values.requests); index++) {
  const began = performance.now()
  await get('/me?days=30', tokens[index % tokens.length] ?? '')
  times.push(performance.now() - began)
}
times.sort((a, b) => a - b)
const at = (share: number) => (times[Math.floor(share * (times.length - 1))] ?? NaN).toFixed(1)
console.log(
  `${times.length} requests of ${tokens.length} users: ` +
    `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms`,
)
