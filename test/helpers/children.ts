/** What Node needs before the name of a TypeScript file that a test starts. */
export const typescriptArgs: readonly string[] = [
  '--import',
  new URL('../loader/register.js', import.meta.url).href,
]
