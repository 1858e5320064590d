// `npm run sbom`: what a release consists of, as CycloneDX, to build/sbom.cdx.json: the npm packages that run in production, by npm
// itself and the lock file, and the Debian libraries the media worker is linked with, by dpkg. Dependencies of tests are not in it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

interface Sbom {
  metadata: { component: { name: string; 'bom-ref': string } };
  components: Component[];
  dependencies: { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>;
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholder
const kVersion = '--showformat=${Version}';
const kRoot = fileURLToPath(new URL('../..', import.meta.url));
const kWorker = join(kRoot, 'build/native/hushpay-media');

function output(command: string, args: readonly string[]): string {
  return execFileSync(command, args, {
    cwd: kRoot,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** The Debian packages whose shared libraries the dynamic linker gives to the worker. */
function librariesOf(program: string): Component[] {
  const files = [...output('ldd', [program]).matchAll(/=> (\/\S+)/g)].map(([, file]) => file ?? '');
  const packages = new Set(files.map((file) => ownerOf(file)));
  return [...packages].sort().map((name) => {
    const version = output('dpkg-query', ['--show', kVersion, name]);
    const [plain = name] = name.split(':');
    const purl = `pkg:deb/debian/${plain}@${encodeURIComponent(version)}`;
    return { 'bom-ref': purl, type: 'library', name: plain, version, purl };
  });
}

/** dpkg knows files by the path they were packed with, which on a merged /usr is not always the linker's. */
function ownerOf(file: string): string {
  for (const path of [file, `/usr${file}`, file.replace(/^\/usr/, '')]) {
    try {
      return output('dpkg-query', ['--search', path]).split(': ')[0] ?? '';
    } catch {} // the next spelling
  }
  throw new Error(
    `no Debian package owns ${file}; the SBOM is made where the worker was built from packages`,
  );
}

/** `name@version` of what runs in production. npm's own `--omit=dev` leaves out what tests use as well. */
function shippedPackages(): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(join(kRoot, 'package-lock.json'), 'utf8')) as Lock;
  const kept = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev);
  return new Set(kept.map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`));
}

const sbom = JSON.parse(
  output('npm', ['sbom', '--sbom-format=cyclonedx', '--sbom-type=application']),
) as Sbom;
const shipped = shippedPackages();
const refs = new Set([sbom.metadata.component['bom-ref']]);
sbom.components = sbom.components.filter(({ purl }) =>
  shipped.has(decodeURIComponent(purl.replace('pkg:npm/', ''))),
);
for (const component of sbom.components) refs.add(component['bom-ref']);
sbom.dependencies = sbom.dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) }));
sbom.metadata.component.name = 'hushpay';
sbom.components.push(...librariesOf(kWorker));
const file = join(kRoot, 'build/sbom.cdx.json');
mkdirSync(join(kRoot, 'build'), { recursive: true });
writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`);
process.stdout.write(`${sbom.components.length} components in ${file}\n`);
