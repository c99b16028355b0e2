import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The members of an interface in a source file, nested object types as `outer.inner`. */
export function membersOf(file: string, interfaceName: string, nested = true): string[] {
  const text = ts.sys.readFile(root + file) ?? ''
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true)
  const found = source.statements.find(
    (statement) => ts.isInterfaceDeclaration(statement) && statement.name.text === interfaceName,
  )
  if (!found || !ts.isInterfaceDeclaration(found)) throw new Error(`no ${interfaceName} in ${file}`)
  return names(found.members, nested)
}

function names(members: ts.NodeArray<ts.TypeElement>, nested: boolean): string[] {
  return members.flatMap((member) => {
    const name = member.name?.getText() ?? ''
    const inner = nested && ts.isPropertySignature(member) ? literalOf(member.type) : undefined
    return inner ? names(inner.members, nested).map((each) => `${name}.${each}`) : [name]
  })
}

function literalOf(type: ts.TypeNode | undefined): ts.TypeLiteralNode | undefined {
  if (type === undefined) return undefined
  if (ts.isTypeLiteralNode(type)) return type
  return ts.isUnionTypeNode(type) ? type.types.find(ts.isTypeLiteralNode) : undefined
}

/** The complaints of TypeScript about snippets that import the package by its name. */
export function complaints(snippets: readonly string[], prelude: string): string[] {
  const virtual = new Map([
    [`${root}test/docs/prelude.d.ts`, prelude],
    ...snippets.map((code, index) => [`${root}test/docs/snippet-${index}.ts`, code] as const),
  ])
  const options = { ...projectOptions(), paths: { 'express-ai-usage': [`${root}src/index.ts`] } }
  const host = ts.createCompilerHost(options)
  const program = ts.createProgram([...virtual.keys()], options, {
    ...host,
    fileExists: (name) => virtual.has(name) || host.fileExists(name),
    readFile: (name) => virtual.get(name) ?? host.readFile(name),
    getSourceFile: (name, target, ...rest) => {
      const text = virtual.get(name)
      if (text === undefined) return host.getSourceFile(name, target, ...rest)
      return ts.createSourceFile(name, text, target)
    },
  })
  return [...virtual.keys()].flatMap((name) => {
    const file = program.getSourceFile(name)
    const found = [
      ...program.getSyntacticDiagnostics(file),
      ...program.getSemanticDiagnostics(file),
    ]
    return found.map(
      ({ messageText }) => `${name}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
    )
  })
}

function projectOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path)) as {
    config: object
  }
  return ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root).options
}
