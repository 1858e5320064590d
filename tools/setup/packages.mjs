import { spawnSync } from 'node:child_process';
import { run, SetupProblem, say } from './problem.mjs';

// Debian package -> a program or pkg-config module that shows it is there where dpkg is not.
const kServePackages = {
  'g++': 'g++',
  cmake: 'cmake',
  make: 'make',
  'pkg-config': 'pkg-config',
  'protobuf-compiler': 'protoc',
  'libprotobuf-dev': 'pkg-config:protobuf',
  'libopus-dev': 'pkg-config:opus',
  'libssl-dev': 'pkg-config:openssl',
};
const kTestPackages = {
  'doctest-dev': null, // a header only
  'clang-format': 'clang-format',
  clang: 'clang++', // sanitizers and libFuzzer
  'libclang-rt-14-dev': null,
  shellcheck: 'shellcheck',
  'sip-tester': 'sipp',
  baresip: 'baresip',
  kamailio: 'kamailio',
  flite: 'flite',
  sox: 'sox',
  openssl: 'openssl',
  'libsrtp2-dev': 'pkg-config:libsrtp2', // what our SRTP is compared with
  chromium: 'chromium',
  'libspandsp-dev': null, // what the tone benchmark compares with
  'dnsmasq-base': 'dnsmasq',
  libfaketime: null, // sets the date of a server, and of nobody else
  'rtpengine-daemon': 'rtpengine', // a media relay between us and a caller
  systemd: 'systemd-analyze', // judges the unit, and brings systemd-notify
  prometheus: 'promtool', // checks metrics and rules
  tshark: 'tshark', // reads what we send; brings dumpcap
};

/** @param {'serve' | 'test'} purpose */
export function setUpPackages(purpose) {
  const wanted = purpose === 'serve' ? kServePackages : { ...kServePackages, ...kTestPackages };
  const debian = has('dpkg-query', ['--version']) && has('apt-get', ['--version']);
  const missing = debian ? missingOnDebian(Object.keys(wanted)) : missingElsewhere(wanted);
  if (missing.length === 0) return;
  if (!debian) {
    throw new SetupProblem(
      `this machine lacks ${missing.join(', ')} (names of the Debian packages); install them with its package manager and try again`,
    );
  }
  const install = ['install', '-y', '--no-install-recommends', ...missing];
  if (process.getuid?.() !== 0) {
    throw new SetupProblem(
      `${missing.length} system packages are missing. Install them with\n\n  sudo apt-get update && sudo apt-get ${install.join(' ')}\n\nand try again.`,
    );
  }
  say(`installing system packages: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['-q', 'update'], { env });
  run('apt-get', ['-q', ...install], { env });
}

function missingOnDebian(names) {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const format = '--showformat=${Package} ${db:Status-Status}\n';
  const { stdout } = spawnSync('dpkg-query', ['--show', format, ...names], { encoding: 'utf8' });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}

function missingElsewhere(wanted) {
  return Object.entries(wanted)
    .filter(([, sign]) => sign !== null && !isThere(sign))
    .map(([name]) => name);
}

function isThere(sign) {
  const [program, module] = sign.split(':');
  return module ? has(program, ['--exists', module]) : has(program, ['--version']);
}

/** Some programs print their version with an exit code other than 0; being there is what counts, except for a module asked for. */
function has(program, args) {
  const { status, error } = spawnSync(program, args, { stdio: 'ignore' });
  return !error && (args[0] === '--version' || status === 0);
}
