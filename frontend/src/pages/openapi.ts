/** The API's description as the reference reads it: groups of operations, types in words, sample bodies, curl lines. */
import { developers } from '../strings/developers.ts';

export interface Schema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  maxItems?: number;
  pattern?: string;
}
export interface Parameter { name: string; in: string; required: boolean; schema: Schema }
interface Media { schema: Schema }
export interface Answer { description: string; content?: Record<string, Media>; 'x-codes'?: string[] }
interface RawOperation {
  operationId: string;
  summary: string;
  description?: string;
  tags: string[];
  parameters: Parameter[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, Answer>;
  security?: unknown[];
  'x-scope'?: string;
}
export interface Operation extends RawOperation { method: string; path: string; words: string }
export interface Told { status: number; code: string; title: string }
export interface Document {
  paths: Record<string, Record<string, RawOperation>>;
  tags: { name: string; description: string }[];
  components: { schemas: Record<string, Schema> };
  'x-problems': Told[];
}
export interface Feature { name: string; description: string; operations: Operation[] }

const words = developers;

/** Whether this is for programs: a token's scope opens it, or it is a public read or check (not a person's sign-in or link). */
export function forTokens(operation: Operation): boolean {
  const takesJson = Boolean(operation.requestBody?.content['application/json']);
  return Boolean(operation['x-scope']) || (!operation.security && !takesJson);
}

/** The operations by feature, in the order of the description. `words`: what a search looks through. */
export function features(document: Document): Feature[] {
  const every = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, raw]): Operation => {
      const names = raw.parameters.map((each) => each.name);
      const codes = Object.values(raw.responses).flatMap((answer) => answer['x-codes'] ?? []);
      const said = [method, path, raw.operationId, raw.summary, raw.description, raw['x-scope'], ...raw.tags, ...names, ...codes];
      return { ...raw, method: method.toUpperCase(), path, words: said.join(' ').toLowerCase() };
    }));
  return document.tags.map((tag) => ({ ...tag, operations: every.filter((each) => each.tags.includes(tag.name)) }));
}

/** Whether every word that was typed is in the operation, in any order. */
export function fits(operation: Operation, typed: string): boolean {
  return typed.toLowerCase().split(/\s+/u).every((word) => operation.words.includes(word));
}

/** The schema behind a reference, and its name; what may be null is opened. */
export function resolved(schema: Schema, document: Document): { schema: Schema; name: string | null; nullable: boolean } {
  if (schema.anyOf) {
    const rest = schema.anyOf.filter((each) => each.type !== 'null');
    if (rest.length === 1) return { ...resolved(rest[0]!, document), nullable: rest.length < schema.anyOf.length };
  }
  const name = schema.$ref?.split('/').pop() ?? null;
  return { schema: (name && document.components.schemas[name]) || schema, name, nullable: false };
}

/** The type in a few words. */
export function typeOf(given: Schema, document: Document): string {
  const { schema, name, nullable } = resolved(given, document);
  const plain = bare(schema, name, document);
  return nullable ? words.orNull(plain) : plain;
}

function bare(schema: Schema, name: string | null, document: Document): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return words.oneOf(schema.enum.map((each) => JSON.stringify(each)).join(', '));
  if (schema.anyOf) return schema.anyOf.map((each) => typeOf(each, document)).join(' or ');
  if (schema.type === 'array') return words.listOf(schema.items ? typeOf(schema.items, document) : words.anything);
  if (schema.properties) return name ?? 'object';
  if (schema.type === 'object') {
    return typeof schema.additionalProperties === 'object' ? words.mapOf(typeOf(schema.additionalProperties, document)) : 'object';
  }
  return schema.type ?? words.anything;
}

/** Limits and defaults of a value, in words. */
export function limitsOf(given: Schema, document: Document): string[] {
  const { schema } = resolved(given, document);
  const found: string[] = [];
  if (schema.minimum !== undefined) found.push(words.limits.least(schema.minimum));
  if (schema.maximum !== undefined) found.push(words.limits.most(schema.maximum));
  if (schema.minLength !== undefined || schema.maxLength !== undefined) found.push(words.limits.letters(schema.minLength, schema.maxLength));
  if (schema.maxItems !== undefined) found.push(words.limits.most(schema.maxItems));
  if (schema.pattern) found.push(words.limits.form(schema.pattern));
  if (given.default !== undefined && given.default !== null) found.push(words.limits.usual(JSON.stringify(given.default)));
  return found;
}

/** The object that is inside of this type (in a list, behind null, by name), if there is one to open. */
export function inside(given: Schema, document: Document): { schema: Schema; name: string } | null {
  const { schema, name } = resolved(given, document);
  if (schema.properties && Object.keys(schema.properties).length) return { schema, name: name ?? 'object' };
  if (schema.type === 'array' && schema.items) return inside(schema.items, document);
  if (typeof schema.additionalProperties === 'object') return inside(schema.additionalProperties, document);
  return null;
}

const ID = '01M8HZ3V5QW9E8R7T6Y5P4M3N2';

/** A body that shows the form: what is required, or the first field where nothing is. */
export function sample(given: Schema, document: Document, name = '', depth = 0): unknown {
  const { schema } = resolved(given, document);
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (given.default !== undefined && given.default !== null) return given.default;
  if (schema.anyOf) return sample(schema.anyOf[0]!, document, name, depth);
  if (schema.properties && depth < 4) {
    const names = schema.required?.length ? schema.required : Object.keys(schema.properties).slice(0, 1);
    return Object.fromEntries(names.map((each) => [each, sample(schema.properties![each]!, document, each, depth + 1)]));
  }
  switch (schema.type) {
    case 'array': return schema.items ? [sample(schema.items, document, name.replace(/s$/, ''), depth + 1)] : [];
    case 'integer': case 'number': return schema.minimum ?? 1;
    case 'boolean': return true;
    case 'string': return name === 'form_id' ? 'notice-of-privacy-practices' : name.endsWith('_id') ? ID : '…';
    default: return {};
  }
}

/** The operation as one curl command. */
export function curl(operation: Operation, document: Document, base: string): string {
  const path = operation.path.replace(/{(\w+)}/g, (_, name: string) => `$${name.toUpperCase()}`);
  const lines = [`curl ${operation.method === 'GET' ? '' : `-X ${operation.method} `}"${base}${path}"`];
  if (operation.security) lines.push('-H "Authorization: Bearer $TOKEN"');
  for (const each of operation.parameters.filter((parameter) => parameter.in === 'header')) {
    lines.push(each.name === 'If-Match' ? `-H 'If-Match: "1"'` : `-H "${each.name}: a-new-one-0001"`);
  }
  const [media, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  if (media && content) {
    lines.push(`-H "Content-Type: ${media}"`);
    lines.push(media === 'application/json' ? `-d '${JSON.stringify(sample(content.schema, document))}'` : '--data-binary @file.pdf');
  }
  return lines.join(' \\\n  ');
}
