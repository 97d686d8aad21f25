import {
  type ClassDeclaration,
  type FunctionDeclaration,
  type InterfaceDeclaration,
  type JSDoc,
  type MethodDeclaration,
  Node,
  ts,
  type Type,
  type TypeAliasDeclaration,
  type VariableDeclaration,
} from 'ts-morph';
import type { Declaration, Described, Member } from './declarations.ts';

/** A declaration as the reference shows it. */
export function declarationOf(name: string, node: Node): Declaration {
  if (Node.isFunctionDeclaration(node))
    return { ...described(name, node, headOf(node)), kind: 'function', members: [] };
  if (Node.isInterfaceDeclaration(node)) return interfaceOf(name, node);
  if (Node.isClassDeclaration(node)) return classOf(name, node);
  if (Node.isTypeAliasDeclaration(node)) return typeOf(name, node);
  if (Node.isVariableDeclaration(node)) return constantOf(name, node);
  throw new Error(`The reference cannot show ${name}: teach it ${node.getKindName()}.`);
}

function interfaceOf(name: string, node: InterfaceDeclaration): Declaration {
  const members = [...node.getProperties(), ...node.getMethods()].map((member): Member => {
    const isMethod = Node.isMethodSignature(member);
    const text = isMethod ? withoutDocs(member).replace(/;$/, '') : (member.getTypeNode()?.getText() ?? '');
    return { ...described(member.getName(), member, oneLine(text)), optional: member.hasQuestionToken(), isMethod };
  });
  const bases = node.getExtends().map((base) => base.getText());
  const signature = `interface ${name}${generics(node)}${bases.length > 0 ? ` extends ${bases.join(', ')}` : ''}`;
  return { ...described(name, node, signature), kind: 'interface', members };
}

function classOf(name: string, node: ClassDeclaration): Declaration {
  const members = node.getInstanceMembers().flatMap((member): Member[] => {
    if (member.getName().startsWith('#') || (Node.isPropertyDeclaration(member) && member.hasDeclareKeyword()))
      return [];
    const isMethod = Node.isMethodDeclaration(member);
    const text = isMethod ? headOf(member) : typeText(member.getType(), member);
    return [{ ...described(member.getName(), member, text), optional: false, isMethod }];
  });
  const base = node.getExtends()?.getText();
  const signature = `class ${name}${generics(node)}${base === undefined ? '' : ` extends ${base}`}`;
  return { ...described(name, node, signature), kind: 'class', members };
}

/** What a schema gives is written out. */
function typeOf(name: string, node: TypeAliasDeclaration): Declaration {
  const text = withoutDocs(node)
    .replace(/^export /, '')
    .replace(/;$/, '');
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias;
  const union = oneLine(node.getType().getText(node, flags)).replaceAll(/(?:^| \| )(?=\{)/g, '\n  | ');
  const written = text.includes('z.infer') ? `type ${name} =${union.startsWith('\n') ? union : ` ${union}`}` : text;
  return { ...described(name, node, written), kind: 'type', members: [] };
}

/** A constant; of one that is a record, its parts. */
function constantOf(name: string, node: VariableDeclaration): Declaration {
  const statement = node.getVariableStatementOrThrow();
  const value = node.getInitializer();
  const record = Node.isAsExpression(value) ? value.getExpression() : undefined;
  if (!Node.isObjectLiteralExpression(record)) {
    const signature = `const ${name}: ${typeText(node.getType(), node)}`;
    return { ...described(name, statement, signature), kind: 'value', members: [] };
  }
  const members = record.getProperties().flatMap((part): Member[] => {
    if (!Node.isPropertyAssignment(part) && !Node.isShorthandPropertyAssignment(part)) return [];
    const isMethod = part.getType().getCallSignatures().length > 0;
    const type = typeText(part.getType(), part);
    const text = isMethod ? `${name}.${part.getName()}${asMethod(type)}` : type;
    return [{ ...described(part.getName(), part, text), optional: false, isMethod }];
  });
  return { ...described(name, statement, `const ${name}`), kind: 'value', members };
}

function described(name: string, node: Node, signature: string): Described {
  const docs = docsOf(node);
  const tags = (tag: string): string[] =>
    docs
      .flatMap((doc) => doc.getTags())
      .filter((each) => each.getTagName() === tag)
      .map((each) => each.getCommentText()?.trim() ?? '');
  const throws = tags('throws').map((what) => `Throws ${what.replace(/\.$/, '')}.`);
  const doc = [...docs.map((each) => each.getDescription().trim()), ...throws].join('\n\n').trim();
  return { name, signature, doc, examples: tags('example') };
}

/** Also of parts of a record, whose comments TypeScript keeps without calling them documentation. */
function docsOf(node: Node): readonly JSDoc[] {
  return Node.isJSDocable(node) ? node.getJsDocs() : node.getChildrenOfKind(ts.SyntaxKind.JSDoc);
}

/** The declaration up to its body. */
function headOf(node: FunctionDeclaration | MethodDeclaration): string {
  const text = node.getText();
  const body = node.getBody();
  return (body ? text.slice(0, body.getStart() - node.getStart()) : text).trim().replace(/^(?:export|async) /, '');
}

function withoutDocs(node: Node): string {
  return node.getText().replaceAll(/\s*\/\*\*.*?\*\//gs, '');
}

function generics(node: { getTypeParameters(): readonly Node[] }): string {
  const all = node.getTypeParameters().map((parameter) => parameter.getText());
  return all.length > 0 ? `<${all.join(', ')}>` : '';
}

function typeText(type: Type, at: Node): string {
  const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseAliasDefinedOutsideCurrentScope;
  return oneLine(type.getText(at, flags));
}

/** `(value?: A | undefined) => B` as `(value?: A): B`. */
function asMethod(signature: string): string {
  return signature.replace(/^(<.*?>)?(\(.*\)) => /s, '$1$2: ').replaceAll(/(\?: [^,)]*) \| undefined/g, '$1');
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
