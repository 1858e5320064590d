import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.ts';
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';

/** What a configuration file with this in it comes to, for those who look at deployments. @param mode - rights of the file. */
export function loadedOf(file: object, mode = 0o600): LoadedConfig {
  const folder = mkdtempSync(join(tmpdir(), 'hushpay-doctor-'));
  const path = join(folder, 'hushpay.yaml');
  writeFileSync(path, JSON.stringify({ dataDir: join(folder, 'data'), ...file }), { mode });
  return loadConfig({ HUSHPAY_CONFIG: path });
}

export function configOf(file: object): Config {
  return loadedOf(file).config;
}
