/** Parsed JSON, before anything is known of its shape. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json | undefined }
export type JsonObject = { [key: string]: Json | undefined }

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object at `key`, or undefined when there is none. */
export function objectAt(value: JsonObject, key: string): JsonObject | undefined {
  const found = value[key]
  return isObject(found) ? found : undefined
}

export function stringAt(value: JsonObject, key: string): string | undefined {
  const found = value[key]
  return typeof found === 'string' ? found : undefined
}

export function arrayAt(value: JsonObject, key: string): Json[] {
  const found = value[key]
  return Array.isArray(found) ? found : []
}

/** JSON.parse that answers undefined instead of throwing: streams are cut in the middle. */
export function parseJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
