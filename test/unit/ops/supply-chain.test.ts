import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const kRoot = fileURLToPath(new URL('../../..', import.meta.url));

interface Locked {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
}

interface Sbom {
  readonly components: readonly { readonly purl: string }[];
}

const kLock = Object.entries(
  (JSON.parse(readFileSync(join(kRoot, 'package-lock.json'), 'utf8')) as { packages: Record<string, Locked> })
    .packages,
).filter(([path]) => path !== '');

/** What a product under Apache-2.0 may be shipped with without further duties than naming it. */
const kShippable = ['Apache-2.0', 'MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', '0BSD', 'BlueOak-1.0.0'];

/** Packages whose package.json names no licence, and where they state one. */
const kStatedElsewhere: Readonly<Record<string, string>> = { 'node_modules/only': 'MIT, in its Readme.md' };

const isShippable = (licence: string) =>
  licence
    .replaceAll(/[()]/g, '')
    .split(/ AND | OR /)
    .every((part) => kShippable.includes(part));

describe('what hushpay is built from', () => {
  it('is named by exact versions', () => {
    const { dependencies, devDependencies } = JSON.parse(
      readFileSync(join(kRoot, 'package.json'), 'utf8'),
    ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });

  it('is held by hashes, and to no registry', () => {
    // Programs of the linter for other machines than those we run on are never installed.
    const needsHash = ([, { dev, optional, link }]: (typeof kLock)[number]) => !link && !(dev && optional);
    expect(kLock.filter((entry) => needsHash(entry) && !entry[1].integrity).map(([path]) => path)).toEqual(
      [],
    );
    expect(kLock.filter(([, { resolved }]) => resolved?.includes('://')).map(([path]) => path)).toEqual([]);
  });

  it('runs no script when it is installed but the one that brings Node', () => {
    expect(readFileSync(join(kRoot, '.npmrc'), 'utf8')).toMatch(/^ignore-scripts=true$/m);
    const withScripts = kLock.filter(([, { hasInstallScript, dev }]) => hasInstallScript && !dev);
    expect(withScripts.map(([path]) => path)).toEqual(['node_modules/node']);
  });

  it('is listed as CycloneDX, npm packages and system libraries alike', () => {
    execFileSync(process.execPath, ['tools/release/sbom.ts'], { cwd: kRoot });
    const sbom = JSON.parse(readFileSync(join(kRoot, 'build/sbom.cdx.json'), 'utf8')) as Sbom;
    expect(sbom).toMatchObject({ bomFormat: 'CycloneDX', metadata: { component: { name: 'hushpay' } } });
    const listed = new Set(sbom.components.map(({ purl }) => decodeURIComponent(purl)));
    const shipped = kLock.filter(([, { dev, optional, link }]) => !dev && !optional && !link);
    const missing = shipped
      .map(
        ([path, { version }]) => `pkg:npm/${path.slice(path.lastIndexOf('node_modules/') + 13)}@${version}`,
      )
      .filter((purl) => !listed.has(purl));
    expect(missing).toEqual([]);
    expect([...listed].filter((purl) => purl.startsWith('pkg:deb/debian/libssl'))).toHaveLength(1);
  });

  it('may be shipped: every licence of what runs in production allows it', () => {
    const odd = kLock
      .filter(([path, { dev, license = '' }]) => !dev && !isShippable(license) && !(path in kStatedElsewhere))
      .map(([path, { license }]) => `${path}: ${license}`);
    expect(odd).toEqual([]);
    expect(isShippable('MIT OR GPL-3.0-only')).toBe(false); // the check can fail
  });
});
