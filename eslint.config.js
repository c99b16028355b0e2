import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import tseslint from 'typescript-eslint'

const enumBan = {
  selector: 'TSEnumDeclaration',
  message: 'Use a union of string literals.',
}

const timers = ['Timeout', 'Interval', 'Immediate'].flatMap((kind) => [
  `set${kind}`,
  `clear${kind}`,
])
/** A host's own tests may replace the globals, and what was to come next would never come. */
const fromNode = (name) => ({ name, message: "Import it from 'node:timers'." })

export default defineConfig(
  globalIgnores([
    'dist',
    '.dependency-cruiser.cjs',
    'test/.consumers',
    'coverage',
    'data',
    'test/fixtures',
    'examples/**/node_modules',
  ]),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js', '*.cjs', 'test/loader/*.js'] },
      },
    },
    rules: {
      'max-lines': ['error', { max: 250 }],
      'max-lines-per-function': ['error', { max: 40, skipBlankLines: true, skipComments: true }],
      'no-restricted-syntax': [
        'error',
        enumBan,
        { selector: 'ExportDefaultDeclaration', message: 'Export by name.' },
      ],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      // Recurses without end on mongoose's connection types.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_+$' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['src/**', 'middleware/**', 'routes/**'],
    ignores: ['src/clock.ts', 'src/environment.ts'],
    rules: {
      'no-restricted-globals': ['error', ...timers.map(fromNode)],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'Ask the injected clock (src/clock.ts).' },
        { object: 'process', property: 'env', message: 'Only scripts read the environment.' },
      ],
    },
  },
  { files: ['models/**'], rules: { 'max-lines-per-function': 'off' } },
  { files: ['src/logger.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['test/**', 'scripts/**', 'bench/**', 'examples/**'],
    rules: {
      'max-lines-per-function': 'off',
      'no-console': 'off',
      '@typescript-eslint/no-floating-promises': 'error',
    },
  },
  {
    files: ['*.js', 'test/loader/*.js'],
    extends: [tseslint.configs.disableTypeChecked],
    rules: { 'no-restricted-syntax': 'off' },
  },
)
