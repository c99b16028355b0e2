/** What Node needs before the name of a TypeScript file that a test starts. */
export const typescriptArgs: readonly string[] = [
  // Node 26 has another way for loaders, which Node 20 has not.
  '--disable-warning=DEP0205',
  '--import',
  new URL('../loader/register.js', import.meta.url).href,
]
