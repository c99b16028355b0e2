/**
 * Users whose requests call a provider by Node's own `fetch`, in a process without the package undici:
 * on so many connections as it likes, then on two of a dispatcher that is given, then on two of the
 * global one. Prints, for each, the tokens that each user was found to have used.
 */
import { bareCapture } from '../../bench/bare-capture.js'
import { readWork } from '../../src/capture/provider-work.js'
import { Outbound } from '../../src/outbound/outbound.js'
import { startProvider } from './support.js'

type AgentClass = new (options: object) => object

const provider = await startProvider((_req, res, body) => {
  const { tokens } = JSON.parse(body) as { tokens: number }
  const usage = { prompt_tokens: tokens, completion_tokens: 1, total_tokens: tokens + 1 }
  const answer = { object: 'chat.completion', model: 'gpt-4o', choices: [], usage }
  setTimeout(() => res.setHeader('content-type', 'application/json').end(JSON.stringify(answer)), 5)
})
const outbound = new Outbound({ hosts: [provider.url], maxBodyBytes: 1024 * 1024 })
const inputs = Array.from({ length: 20 }, (_, index) => 1000 + index)

async function tokensOf(input: number, dispatcher?: object): Promise<number[]> {
  const capture = bareCapture()
  await new Promise<void>((resolve, reject) => {
    const ask = async () => {
      const url = `${provider.url}/v1/chat/completions`
      const body = JSON.stringify({ tokens: input })
      const init = { method: 'POST', body, ...(dispatcher && { dispatcher }) }
      const response = await fetch(url, init as RequestInit)
      await response.text()
      // Others' calls go out meanwhile.
      await new Promise((done) => setTimeout(done, 200))
    }
    outbound.enter(capture, () => void ask().then(resolve, reject))
  })
  const work = await readWork(capture.calls)
  return work.map(({ reading }) => reading.tokens.input_tokens ?? 0)
}

const unlimited = await Promise.all(inputs.map((input) => tokensOf(input)))
// From Node 26 on, what is under the older name is a dispatcher for earlier versions.
const key =
  [2, 1]
    .map((version) => Symbol.for(`undici.globalDispatcher.${version}`))
    .find((one) => Reflect.has(globalThis, one)) ?? Symbol()
const own = Reflect.get(globalThis, key) as { constructor: AgentClass }
const agent = new own.constructor({ connections: 2 })
const given = await Promise.all(inputs.map((input) => tokensOf(input, agent)))
Reflect.set(globalThis, key, new own.constructor({ connections: 2 }))
const limited = await Promise.all(inputs.map((input) => tokensOf(input)))
console.log(JSON.stringify({ inputs, unlimited, given, limited }))
outbound.stop()
process.exit()
