import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import compression from 'compression'
import type { UsageEvent } from '../../src/index.js'
import type { Case } from './case.js'
import { groups } from './cases.js'
import { rejecting } from './fault-cases.js'
import {
  frameworks,
  startStand,
  type Framework,
  type Host,
  type Side,
  type Stand,
} from './stand.js'
import { meaning, sameAnswer, undated } from './wire.js'

/** Where the host mounts compression: a first path segment of its own for each place. */
const places = {
  'no compression': [undefined],
  'compression before': ['gzip', 'deflate', 'br'],
  'compression after': ['gzip', 'deflate', 'br'],
}

const cases: Record<string, Case> = Object.fromEntries(
  [...Object.values(groups), rejecting].flatMap((group) => Object.entries(group)),
)
const slug = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
const bySlug = new Map(Object.entries(cases).map(([name, value]) => [slug(name), value]))
const operations = [{ path: '/:where/:name', type: 'case', estimateTokens: 0 }]

function mount({ app, meter, note }: Host): void {
  const compress = compression({ threshold: 0 })
  app.use('/compression-before', compress)
  meter()
  app.use('/compression-after', compress)
  app.all('/:where/:name', (req, res) => {
    const key = `${req.params.where}/${req.params.name} ${req.get('accept-encoding') ?? ''}`
    return bySlug.get(req.params.name)?.answer(res, (what) => note(key, what), req)
  })
}

/** What each side's handlers noted; callbacks may still be under way when the client has it all. */
async function sameNotes({ metered, bare }: Stand, key: string): Promise<void> {
  const differ = (a: Side, b: Side) => a.notes(key).length !== b.notes(key).length
  for (let tries = 0; tries < 20 && differ(metered, bare); tries++) await sleep(5)
  assert.deepEqual(metered.notes(key), bare.notes(key))
}

for (const framework of Object.keys(frameworks) as Framework[]) {
  describe(`a metered response on ${framework}`, function () {
    this.timeout(5000)
    let stand: Stand
    before(async () => {
      stand = await startStand(framework, mount, { operations })
    })
    after(() => stand.close())

    const check = async (where: string, name: string, encoding: string | undefined) => {
      const {
        method = 'GET',
        headers = {},
        flushes = false,
        event,
      } = cases[name] ?? assert.fail(name)
      const path = `/${slug(where)}/${slug(name)}`
      const user = `${where} ${name} ${encoding ?? ''}`
      const accept = encoding === undefined ? {} : { 'accept-encoding': encoding }
      await sameAnswer(
        stand,
        { user, path, method, headers: { ...headers, ...accept } },
        flushes && encoding !== undefined ? meaning : undated,
      )
      await sameNotes(stand, `${path.slice(1)} ${encoding ?? ''}`)
      assertEvent(await stand.event(user), event, encoding === undefined)
    }

    for (const [group, members] of Object.entries(groups)) {
      for (const [where, encodings] of Object.entries(places)) {
        describe(`${group}, ${where}`, () => {
          const own = framework === 'Express 5' && group === 'faults' ? rejecting : {}
          for (const [name, { plainOnly = false }] of Object.entries({ ...members, ...own })) {
            if (plainOnly && where !== 'no compression') continue
            it(`is the same to the byte, and recorded: ${name}`, async () => {
              const some = framework === 'Express 5' ? encodings : encodings.slice(0, 1)
              for (const encoding of some) await check(where, name, encoding)
            })
          }
        })
      }
    }

    it("serves the meter's own API", async () => {
      const response = await fetch(`${stand.metered.url}/ai/usage/me`)
      assert.equal(response.status, 401)
      assert.match(response.headers.get('content-type') ?? '', /problem\+json/)
    })
  })
}

function assertEvent(event: UsageEvent, want: Partial<UsageEvent>, plain: boolean): void {
  const { response_bytes, ...rest } = want
  const got = Object.fromEntries(Object.keys(rest).map((key) => [key, Reflect.get(event, key)]))
  assert.deepEqual(got, rest)
  assert.equal(event.success, event.status === 'ok')
  if (plain && response_bytes !== undefined) assert.equal(event.response_bytes, response_bytes)
  assert.doesNotMatch(JSON.stringify(event), /secret words|boom/)
}
