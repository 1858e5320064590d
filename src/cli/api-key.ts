import { createHash, randomBytes } from 'node:crypto';
import { type Command, kExit } from './command.ts';

const kKeyBytes = 32;

export const apiKey: Command = {
  usage: 'api-key',
  sentence: 'makes a key of the HTTP API, and the hash of it that goes into api.keys',
  async run() {
    const key = randomBytes(kKeyBytes).toString('base64url');
    const sha256 = createHash('sha256').update(key).digest('hex');
    process.stdout.write(`key     ${key}\nsha256  ${sha256}\n`);
    return kExit.ok;
  },
};
