import assert from 'node:assert/strict'
import * as z from 'zod'
import type { BilledCall } from '../../scripts/simulator/index.js'
import { onlyCall } from '../simulator/support.js'
import { form, KINDS, parseSse, startDemo, type Kind, type RunningDemo } from './support.js'

const openaiUsage = z.object({ prompt_tokens: z.number(), completion_tokens: z.number() })
const anthropicUsage = z.object({ input_tokens: z.number(), output_tokens: z.number() })
const answer = z.strictObject({ reply: z.string().min(1), model: z.string(), usage: z.unknown() })

function assertBilled(kind: Kind, usage: unknown, call: BilledCall) {
  if (kind === 'anthropic') {
    const { input_tokens, output_tokens } = anthropicUsage.parse(usage)
    assert.deepEqual([input_tokens, output_tokens], [call.input_tokens, call.output_tokens])
  } else {
    const { prompt_tokens, completion_tokens } = openaiUsage.parse(usage)
    assert.deepEqual([prompt_tokens, completion_tokens], [call.input_tokens, call.output_tokens])
  }
}

const text = 'Lisbon is the capital of Portugal. It lies at the mouth of the Tagus.'
const file = { name: 'lisbon.txt', content: text }
const BODIES = {
  '/ai/chat': { message: 'What is there to see in Lisbon?' },
  '/ai/summarize': { text },
  '/ai/qa': { question: 'What is the capital of Portugal?', context: text },
}

for (const kind of KINDS) {
  describe(`the demo app in front of ${kind}`, () => {
    let demo: RunningDemo
    before(async () => {
      demo = await startDemo({ kind })
    })
    beforeEach(() => demo.simulator.reset())
    after(() => demo.close())

    for (const [path, body] of Object.entries(BODIES)) {
      it(`POST ${path} answers reply, model and the provider's own usage`, async () => {
        const response = await demo.post(path, body)
        assert.equal(response.status, 200)
        const { usage, model } = answer.parse(await response.json())
        const call = onlyCall(demo.simulator)
        assertBilled(kind, usage, call)
        assert.equal(model, call.model)
      })

      it(`POST ${path}/stream passes the provider's events on, usage among them`, async () => {
        const response = await demo.post(`${path}/stream`, body)
        assert.equal(response.status, 200)
        assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/)
        const events = parseSse(await response.text())
        const call = onlyCall(demo.simulator)
        if (kind === 'anthropic') {
          const [delta, stop] = events.slice(-2)
          assert.equal(delta?.event, 'message_delta')
          assert.equal(stop?.event, 'message_stop')
          const { usage } = z.object({ usage: z.unknown() }).parse(JSON.parse(delta.data))
          assertBilled(kind, usage, call)
        } else {
          const [last, done] = events.slice(-2)
          assert.equal(done?.data, '[DONE]')
          const { usage } = z.object({ usage: z.unknown() }).parse(JSON.parse(last?.data ?? ''))
          assertBilled(kind, usage, call)
        }
        assert.equal(call.stream, true)
      })
    }

    it('POST /ai/qa/file answers from the text of a file', async () => {
      const response = await demo.post('/ai/qa/file', form(file, { question: 'Which river?' }))
      assert.equal(response.status, 200)
      assertBilled(kind, answer.parse(await response.json()).usage, onlyCall(demo.simulator))
      assert.ok(onlyCall(demo.simulator).input_tokens > 40)
    })

    it('POST /ai/mindmap answers a tree too', async () => {
      const response = await demo.post('/ai/mindmap', { topic: 'Lisbon' })
      assert.equal(response.status, 200)
      const node = z.object({ topic: z.string().min(1), children: z.array(z.unknown()) })
      const { mindmap, ...rest } = answer.extend({ mindmap: node }).parse(await response.json())
      assert.match(mindmap.topic, /Lisbon/)
      assert.ok(mindmap.children.length >= 3)
      assert.ok(node.parse(mindmap.children[0]).children.length >= 2)
      assertBilled(kind, rest.usage, onlyCall(demo.simulator))
    })

    it('POST /ai/upload tells what was sent and asks no AI', async () => {
      const response = await demo.post('/ai/upload', form({ ...file, name: 'Übersicht.txt' }))
      assert.equal(response.status, 200)
      assert.deepEqual(await response.json(), {
        name: 'Übersicht.txt',
        size_bytes: text.length,
        type: 'text/plain',
      })
      assert.deepEqual(demo.simulator.billed(), [])
    })

    it('takes messages, a model and max_tokens', async () => {
      const model = { openai: 'gpt-5-mini', anthropic: 'claude-sonnet-4-6', openrouter: '' }[kind]
      const response = await demo.post('/ai/chat', {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
          { role: 'assistant', content: 'Hello!' },
          { role: 'user', content: 'Tell me about Lisbon.' },
        ],
        ...(model && { model }),
        max_tokens: 600,
      })
      assert.equal(response.status, 200)
      const call = onlyCall(demo.simulator)
      assert.ok(call.model.startsWith(model))
      const limited = await demo.post('/ai/chat', { message: 'Lisbon?', max_tokens: 5 })
      assertBilled(kind, answer.parse(await limited.json()).usage, {
        ...call,
        ...demo.simulator.billed()[1],
      })
      assert.equal(demo.simulator.billed()[1]?.output_tokens, 5)
    })
  })
}
