const kEscapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text for an element or an attribute; characters XML 1.0 cannot hold are left out. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[&<>"']/g, (character) => kEscapes[character] ?? '');
}

/** `name="value"` with a blank before it; nothing for null. */
export function attribute(name: string, value: string | number | null): string {
  return value === null ? '' : ` ${name}="${escaped(String(value))}"`;
}
