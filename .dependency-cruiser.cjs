/** Who may import what: the rules of ARCHITECTURE.md. */
const code = '^(src|middleware|routes|models)/'

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: { path: code }, to: { circular: true } },
    {
      name: 'only-usage-wires',
      comment:
        'Only the wiring (usage.ts, route-context.ts, admin-actions.ts) imports routes and middleware; types are free for index.ts.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(usage|route-context|admin-actions|index)\\.ts$' },
      to: { path: '^(routes|middleware)/' },
    },
    {
      name: 'only-index-imports-usage',
      severity: 'error',
      from: { path: code, pathNot: '^src/index\\.ts$' },
      to: { path: '^src/usage\\.ts$' },
    },
    {
      name: 'only-store-imports-models',
      severity: 'error',
      from: { path: code, pathNot: '^(src/store|models)/' },
      to: { path: '^models/' },
    },
    {
      name: 'models-import-types-only',
      severity: 'error',
      from: { path: '^models/' },
      to: { pathNot: '^models/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'express-at-the-edge',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: '^src/((usage|options|config|route-context|house)\\.ts$|proxy/)',
      },
      to: { path: 'node_modules/(@types/)?express/' },
    },
    {
      name: 'mongoose-behind-the-store',
      severity: 'error',
      from: { path: code, pathNot: '^(models/|src/store/|src/(usage|options|config|house)\\.ts$)' },
      to: { path: 'node_modules/mongoose/' },
    },
    {
      name: 'middleware-below-routes',
      severity: 'error',
      from: { path: '^middleware/' },
      to: { path: '^routes/' },
    },
    {
      name: 'no-database-at-the-edge',
      comment: 'Middleware and routes are handed functions; they know the store by type only.',
      severity: 'error',
      from: { path: '^(middleware|routes)/' },
      to: { path: '^src/store/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'production-stands-alone',
      severity: 'error',
      from: { path: code },
      to: { path: '^(test|scripts|bench|examples)/' },
    },
    {
      name: 'production-uses-no-dev-dependency',
      comment: 'But for luxon and zod, which scripts/build.ts builds into what is published.',
      severity: 'error',
      from: { path: code },
      to: {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
        pathNot: 'node_modules/(@types/|express/|mongoose/|luxon/|zod/)',
      },
    },
    { name: 'resolvable', severity: 'error', from: { path: code }, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    doNotFollow: { path: 'node_modules' },
  },
}
