import { anonymousUserId, parseIdentifier } from '../src/identity/user-id.js'
import { CommandError, parseOptions, runCommand } from './command.js'
import { mintToken } from './mint-token.js'

const usage = 'npm run token -- --user alice [--role admin] [--tier pro] [--org acme] [--ttl 1h]'

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const maxTtlSeconds = 366 * 86_400

function token(): number {
  const { user, role, tier, org, ttl } = parseOptions(
    {
      user: { type: 'string' },
      role: { type: 'string' },
      tier: { type: 'string' },
      org: { type: 'string' },
      ttl: { type: 'string', default: '1h' },
    },
    usage,
  )
  if (user === undefined) throw new CommandError(`--user is needed.\nUsage: ${usage}`)
  checkNames({ user, role, tier, org })
  if (user === anonymousUserId) throw new CommandError(`--user may not be ${anonymousUserId}`)
  const ttlSeconds = parseTtl(ttl)
  const secret = process.env.JWT_SECRET
  if (!secret) {
    throw new CommandError(
      'JWT_SECRET is not set. Set it to the secret of the server. Without one, npm start makes one ' +
        'up for the run and prints ready-made tokens.',
    )
  }
  console.log(mintToken({ secret, user, role, tier, org, ttlSeconds, now: Date.now() }))
  return 0
}

function checkNames(names: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(names)) {
    if (value === undefined || parseIdentifier(value) !== undefined) continue
    throw new CommandError(
      `--${name} must have 1 to 256 characters, none of them a control character`,
    )
  }
}

function parseTtl(text: string): number {
  const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? []
  const seconds = Number(count) * (unitSeconds[unit] ?? Number.NaN)
  if (seconds >= 1 && seconds <= maxTtlSeconds) return seconds
  throw new CommandError(
    `--ttl must be like 90s, 30m, 1h or 7d, at most 366d, it is ${JSON.stringify(text)}`,
  )
}

await runCommand(token)
