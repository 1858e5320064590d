import type { Webhook } from './config.ts';
import { kLoopbackUrl } from './loopback.ts';
import type { CheckedFile } from './schema.ts';
import type { Path } from './tree.ts';

/** What the resolver of the whole file lends. */
interface Tools {
  secret(path: Path, value: string | null, file: string | null): string | null;
  refuse(path: Path, expects: string, remedy: string): void;
}

/** Reads the secrets and checks what concerns several keys. */
export function webhooks(files: CheckedFile['webhooks'], tools: Tools): Webhook[] {
  return files.map((file, index) => {
    const { name, url, privateNetwork, merchant, events } = file;
    const path: Path = ['webhooks', index];
    if (url.startsWith('http:') && !kLoopbackUrl.test(url)) {
      tools.refuse([...path, 'url'], '`https://`, or `http://` to this machine', 'use the https address');
    }
    if (files.findIndex((other) => other.name === name) < index) {
      tools.refuse([...path, 'name'], 'a name of its own', 'give each webhook another name');
    }
    const secret = tools.secret([...path, 'secret'], file.secret, file.secretFile);
    const previous = tools.secret([...path, 'previousSecret'], file.previousSecret, file.previousSecretFile);
    if (secret === null) {
      tools.refuse([...path, 'secret'], 'a secret, or secretFile', 'set one: messages are signed with it');
    }
    return {
      name,
      url,
      privateNetwork,
      merchant,
      events,
      secrets: [secret, previous].filter((one) => one !== null),
    };
  });
}
