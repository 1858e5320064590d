import { SaxesParser } from 'saxes';
import type { RawReply } from './dialect.ts';

const kMostDepth = 32;
const kMostElements = 20_000;

/**
 * A reply, or a part of it, read by path whatever it is written in: `/error/code` is a member of JSON, an element of XML (also the
 * outermost one) or a name of a form; `@id` at the end is an attribute. Anything that is not there is undefined.
 */
export interface ReplyNode {
  /** Text, or a whole number as text. */
  text(path: string): string | undefined;
  has(path: string): boolean;
  list(path: string): readonly ReplyNode[];
}

/** Undefined if the body is not UTF-8 JSON. A byte order mark is skipped. */
export function jsonOf(reply: RawReply): ReplyNode | undefined {
  const text = utf8(reply.body);
  if (text === undefined) return undefined;
  try {
    return new JsonNode(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Fields of a form-encoded body. */
export function formOf(reply: RawReply): ReplyNode | undefined {
  const text = utf8(reply.body);
  return text === undefined ? undefined : new JsonNode(Object.fromEntries(new URLSearchParams(text)));
}

/**
 * Undefined unless the body is one whole well-formed document. Entities of a DTD are unknown and end the parse, none is ever
 * expanded or fetched; so do more levels or elements than any gateway sends.
 */
export function xmlOf(reply: RawReply): ReplyNode | undefined {
  const text = utf8(reply.body);
  return text === undefined ? undefined : parseXml(text);
}

class JsonNode implements ReplyNode {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  text(path: string): string | undefined {
    const value = this.#at(path);
    if (typeof value === 'string') return value;
    return Number.isSafeInteger(value) || typeof value === 'boolean' ? String(value) : undefined;
  }

  has(path: string): boolean {
    const value = this.#at(path);
    return value !== undefined && value !== null;
  }

  list(path: string): readonly ReplyNode[] {
    const value = this.#at(path);
    return Array.isArray(value) ? value.map((item) => new JsonNode(item)) : [];
  }

  #at(path: string): unknown {
    return steps(path).reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name)
          ? (value as Readonly<Record<string, unknown>>)[name]
          : undefined,
      this.#value,
    );
  }
}

class XmlNode implements ReplyNode {
  readonly name: string;
  readonly #attributes: Readonly<Record<string, string>>;
  readonly children: XmlNode[] = [];
  #content = '';

  constructor(name: string, attributes: Readonly<Record<string, string>>) {
    this.name = name;
    this.#attributes = attributes;
  }

  write(text: string): void {
    this.#content += text;
  }

  text(path: string): string | undefined {
    const [elements = '', attribute] = path.split('@');
    const node = this.#find(elements)[0];
    if (attribute === undefined) return node?.children.length === 0 ? node.#content.trim() : undefined;
    return node && Object.hasOwn(node.#attributes, attribute) ? node.#attributes[attribute] : undefined;
  }

  has(path: string): boolean {
    return path.includes('@') ? this.text(path) !== undefined : this.#find(path).length > 0;
  }

  list(path: string): readonly ReplyNode[] {
    return this.#find(path);
  }

  #find(path: string): XmlNode[] {
    return steps(path).reduce<XmlNode[]>(
      (nodes, name) => nodes.flatMap((node) => node.children.filter((child) => child.name === name)),
      [this],
    );
  }
}

/** The root's parent, so that a path names the root too. */
function parseXml(text: string): XmlNode | undefined {
  const open = [new XmlNode('', {})];
  let elements = 0;
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (++elements > kMostElements || open.length > kMostDepth) throw new Error('too much XML');
    const node = new XmlNode(name, attributes);
    open.at(-1)?.children.push(node);
    open.push(node);
  });
  parser.on('text', (content) => open.at(-1)?.write(content));
  parser.on('cdata', (content) => open.at(-1)?.write(content));
  parser.on('closetag', () => void open.pop());
  try {
    parser.write(text).close();
    return open[0];
  } catch {
    return undefined;
  }
}

function steps(path: string): string[] {
  return path.split('/').slice(1);
}

function utf8(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    return undefined;
  }
}
