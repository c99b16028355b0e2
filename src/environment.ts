/** The only reader of the environment outside scripts: whether weak secrets are to be refused. */
export function isProduction(): boolean {
  return process.env.NODE_ENV === 'production'
}
