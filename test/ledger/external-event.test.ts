import assert from 'node:assert/strict'
import type * as z from 'zod'
import type { externalEvent } from '../../src/ledger/external-event.js'
import type { ExternalEventInput } from '../../src/ledger/external-event-input.js'

type Read = z.input<typeof externalEvent>
/** An error of the compiler where one of them lacks a field, or takes other values. */
type Same<A, B> = [Required<A>, Required<B>] extends [Required<B>, Required<A>] ? true : never

describe('an event of `record()`', () => {
  it('is declared as it is read', () => {
    const isSame: Same<Omit<Read, 'id'>, Omit<ExternalEventInput, 'id'>> = true
    assert.ok(isSame)
  })
})
