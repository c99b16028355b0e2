import { isTokenCount } from '../../event.js'
import { sayAnswer } from '../answers.js'
import { arrayAt, isObject, objectAt, type JsonObject } from '../json.js'
import { addJson, addText, sayModel, sayProvider, type Reading } from '../reading.js'
import { forgetAnswer, readAnthropicUsage } from './anthropic-usage.js'
import type { Reader } from './reader.js'

/**
 * Anthropic Messages, whole (`type: "message"`) or as stream events. Cache is reported beside
 * input_tokens and added here. Stream figures are cumulative: each replaces the one before, null
 * erases nothing, and the output figure is final only with message_delta.
 * https://docs.anthropic.com/en/api/messages-streaming
 */
export const anthropic: Reader = {
  name: 'anthropic',
  read(payload, reading) {
    switch (payload.type) {
      case 'message':
        if (!('usage' in payload) && !('content' in payload)) return false
        readMessage(payload, reading)
        reading.output_is_final = reading.tokens.output_tokens !== undefined
        for (const block of arrayAt(payload, 'content'))
          if (isObject(block)) readBlock(block, reading)
        return true
      case 'message_start': {
        const message = objectAt(payload, 'message')
        if (message) readMessage(message, reading)
        return true
      }
      case 'message_delta': {
        const usage = objectAt(payload, 'usage')
        if (usage) readAnthropicUsage(usage, reading)
        if (isTokenCount(usage?.output_tokens)) reading.output_is_final = true
        return true
      }
      case 'content_block_start':
      case 'content_block_delta': {
        const block = objectAt(payload, 'delta') ?? objectAt(payload, 'content_block')
        if (block) readBlock(block, reading)
        return true
      }
      case 'content_block_stop':
      case 'message_stop':
      case 'ping':
        return true
      default:
        return false
    }
  },
}

function readMessage(message: JsonObject, reading: Reading): void {
  sayProvider(reading, 'anthropic')
  sayModel(reading, message.model)
  if (sayAnswer(reading, message.id, true)) forgetAnswer(reading)
  const usage = objectAt(message, 'usage')
  if (usage) readAnthropicUsage(usage, reading)
}

function readBlock(block: JsonObject, reading: Reading): void {
  addText(reading, block.thinking)
  addText(reading, block.text)
  addText(reading, block.partial_json)
  if (block.type === 'tool_use') {
    addText(reading, block.name)
    addJson(reading, block.input)
  }
}
