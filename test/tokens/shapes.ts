const words =
  "the quick brown fox jumps over a lazy dog; it's 2024 and tokens, 12345 of them, do not agree:" +
  ' "as expected" (again) function return const value Überprüfung naïve 🙂 naïveté'
const letters = 'abcdefghijklmnopqrstuvwxyz'
const base64 = letters + letters.toUpperCase() + '0123456789+/'
const han = '的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年'

/** Makes a text of `length` UTF-16 units, or a few more. */
export type Shape = (length: number) => string

function repeat(unit: string): Shape {
  return (length) => unit.repeat(Math.ceil(length / unit.length)).slice(0, length)
}

/** The same choices every time; from 50,000 units on they come again. */
function random(items: Iterable<string>, separator = ''): Shape {
  const list = [...items]
  return (length) => {
    let seed = 12345
    let text = ''
    while (text.length < Math.min(length, 50_000)) {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
      text += (list[(seed >> 8) % list.length] ?? '') + separator
    }
    return text.length < length ? repeat(text)(length) : text
  }
}

/** Texts on which the plain encoder is fast at any length. */
export const easyShapes: Record<string, Shape> = {
  prose: random(words.split(' '), ' '),
  base64: random(base64),
  'special tokens': repeat('<|endoftext|>'),
  digits: random('0123456789'),
  code: repeat('    if (a[i] === b[j]) {\n        return foo(bar); // 12\n    }\n\n'),
  'minified JSON': repeat('{"id":12345,"name":"value","tags":["a","b"],"on":true},'),
}

/** Texts that take the plain encoder time with the square of their length. */
export const hardShapes: Record<string, Shape> = {
  'one letter': repeat('a'),
  spaces: repeat(' '),
  newlines: repeat('\n'),
  Chinese: random(han),
  emoji: random('😀😁😂🤣😃😄👍🏽❤️🔥🎉'),
  'a mix': random([' '.repeat(700), 'a'.repeat(900), '='.repeat(500), ...words.split(' ')]),
}

/** More that is made to go wrong at a cut. */
export const trickyShapes: Record<string, Shape> = {
  'a short period': repeat('haha'),
  'words without spaces': random(words.replaceAll(/[^a-z ]/g, '').split(' ')),
  'symbols in turns': repeat('=-'),
  'long tokens off their grid': (length) => '***' + '='.repeat(length - 3),
  'spaces off their grid': (length) => 'x\n\t ' + ' '.repeat(length - 4),
  'newlines and spaces': repeat('\n '),
  'seven spaces a line': repeat('       \n'),
  'carriage returns': repeat('\r\n'),
  'capital letters': random(letters.toUpperCase()),
  'mixed case': random(letters + letters.toUpperCase()),
  punctuation: random('!@#$%^&*()_+-=[]{}|;:,.<>/?~'),
  'combining marks': repeat('e\u0301\u0300\u0302'),
  'marks and symbols': repeat('.\u0301'),
  'byte order marks': repeat('\ufeff!'),
  'ideographic spaces': repeat(' \u3000'),
  'no-break spaces': repeat('a\u00a0  b'),
  Korean: random('가나다라마바사아자차카타파하한국어'),
  Thai: random('กขคงจฉชซญดตถทธนบปผฝพฟภมยรลวศสหอะาิีึืุูเแโไ'),
  'Chinese prose': repeat('今天天气很好，我们一起去公园散步。你觉得怎么样？“好的”，他说。'),
  German: repeat('Fünf größere Mädchen äßen köstliche Äpfel über den Dächern von Köln. '),
  Russian: repeat('Съешь ещё этих мягких французских булок, да выпей чаю. '),
  'joined emoji': repeat('👨‍👩‍👧‍👦'),
  'lone surrogates': repeat('\ud83d'),
  'surrogates in any order': random(['\ud83d', '\ude00', 'a', ' ']),
}
