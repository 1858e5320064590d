import { join } from 'node:path';

/** Where the secret is that a `…File` key stands for. */
export type SecretOrigin =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'variable'; readonly value: string }
  | { readonly kind: 'nowhere'; readonly expects: string; readonly remedy: string };

/**
 * Reads `credential:NAME` (a file systemd has put into $CREDENTIALS_DIRECTORY for this service alone), `env:NAME`, or a path.
 * @param absolute - of a path.
 */
export function secretOrigin(
  text: string,
  environment: NodeJS.ProcessEnv,
  absolute: (path: string) => string,
): SecretOrigin {
  const [, kind, name = ''] = /^(credential|env):(.*)$/.exec(text) ?? [];
  if (kind === undefined) return { kind: 'file', path: absolute(text) };
  if (!/^[\w.-]+$/.test(name)) {
    return { kind: 'nowhere', expects: `\`${kind}:\` and a name`, remedy: 'write the name behind the colon' };
  }
  return kind === 'env' ? variable(name, environment[name]) : credential(name, environment);
}

function variable(name: string, value: string | undefined): SecretOrigin {
  if (value !== undefined && value !== '') return { kind: 'variable', value };
  return {
    kind: 'nowhere',
    expects: 'a variable of the environment that is set',
    remedy: `set ${name} where hushpay is started`,
  };
}

function credential(name: string, environment: NodeJS.ProcessEnv): SecretOrigin {
  const folder = environment['CREDENTIALS_DIRECTORY'];
  if (folder) return { kind: 'file', path: join(folder, name) };
  return {
    kind: 'nowhere',
    expects: 'a systemd credential, but $CREDENTIALS_DIRECTORY is not set',
    remedy: `start hushpay by a unit with LoadCredential=${name}:…, or name a file`,
  };
}
