import type { JsonObject } from '../json.js'
import type { Reading } from '../reading.js'

/**
 * Reads one provider's wire format: a whole JSON body, or one event of its stream. A reader looks
 * at exact paths only; model text may contain anything. Hosts can bring their own
 * (`capture.readers`).
 */
export interface Reader {
  readonly name: string
  /**
   * Folds what the payload tells into `reading`: `tokens` in the normal form (cache inside input,
   * reasoning inside output), `output_is_final` once the output figure is complete, `model`,
   * `provider`, … Answers false if the payload is not of this format.
   */
  read(payload: JsonObject, reading: Reading): boolean
}
