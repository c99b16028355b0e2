import { LRUCache } from 'lru-cache'

/** At most so many entries; beyond them the least recently used go. Memory is taken as they come. */
export function leastRecent<K extends string, V extends object | string | true>(
  max: number,
  more: { readonly ttl?: number } = {},
): LRUCache<K, V> {
  // With `max` it would make room for all of them at once, which takes long.
  return new LRUCache<K, V>({ maxSize: max, sizeCalculation: () => 1, ...more })
}
