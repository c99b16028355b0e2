/** Stands where a client's operator would have its operand: must not reach MongoDB at all. */
export const operand = 'injected-operand'
/** Part of names that clients choose. */
export const marked = 'canary-name'

const deep = (open: string, close: string, levels: number) =>
  open.repeat(levels) + close.repeat(levels)

/** What a client may send as JSON where a scalar is meant. */
export const hostileValues: readonly unknown[] = [
  ...['$ne', '$gt', '$regex', '$where', '$in', '$exists', '$or', '$expr'].map((operator) => ({
    [operator]: operand,
  })),
  ...[[marked], [{ $ne: operand }], { [`${marked}.a`]: operand }, { $literal: { $ne: operand } }],
  ...[{ toString: operand }, { valueOf: 1, length: 1 }, { _bsontype: 'ObjectId', id: operand }],
  ...[{ $oid: operand }, { $date: operand }, { $code: operand }, null, true, 1e300, -1, 1.5],
]

/** Bodies that are no JSON of ours, as text. */
export const hostileTexts: readonly string[] = [
  ...['{"__proto__":{"polluted":1}}', '{"constructor":{"prototype":{"polluted":1}}}'],
  ...['[{"__proto__":{"polluted":1}}]', '{"events":{"__proto__":{"polluted":1}}}', '{}', '[]', '1'],
  ...['null', '"x"', '{"events":[null]}', '[[[[]]]]', '{"a":1e400}', '[-1e400]', '{"\\u0000":1}'],
  ...['{', '[1,', '\0', '{"$where":"sleep(9999)"}', '{"tier":{"$ne":"x"}}', '\ufeff{}'],
  ...[deep('[', ']', 20_000), deep('{"a":', '}', 20_000).replace('{"a":}', '{}')],
  `{"n":${'9'.repeat(20_000)}}`,
]

/** Names that are names, however they look. */
export const hostileNames: readonly string[] = [
  ...[`$${marked}`, `$$${marked}.x`, `${marked}.a.b`, `${marked}.$[]`, `$${marked}.$ne`],
  ...['__proto__', 'constructor', 'toString', '$where', '$$ROOT', '$$REMOVE', '{"$ne":null}'],
  ...['.*', '^(a+)+$', `' || '1'=='1`, `<script>${marked}</script>`, '=1+1', '../../etc/passwd'],
]

/** The same, where a client could put what URLs have. */
export const hostileQueries = (name: string): string[] => [
  ...['$ne', '$gt', '$regex', '$where', '', '0', '__proto__'].map(
    (key) => `${name}[${encodeURIComponent(key)}]=${operand}`,
  ),
  ...[`${name}.$ne=${operand}`, `${name}=%00`, `${name}=a%00b`, `${name}=%ED%A0%80`, `${name}=%`],
  ...hostileNames.slice(0, 5).map((value) => `${name}=${encodeURIComponent(value)}`),
  ...[`__proto__[${name}]=${operand}`, `constructor.prototype.${name}=${operand}`],
  ...[`__proto__=${operand}`, `${name}=x&${name}=${operand}`, `${name}=${'9'.repeat(3_000)}`],
]
