import { join, relative } from 'node:path';
import { styleText } from 'node:util';
import { DEMO_PASSWORD, demoAccounts } from './demo-accounts.ts';
import type { LogEntry } from './log-tail.ts';
import type { Shop, Step } from './shop.ts';
import type { StoreName } from './stores.ts';
import { root } from './workspaces.ts';

/** Everything a started shop says at the terminal. */
export function createReport(out: NodeJS.WriteStream = process.stdout) {
  const startedAt = performance.now();
  const write = (text: string) => void out.write(`${text}\n`);
  const quiet = (text: string) => styleText('dim', text, { stream: out });
  const loud = (text: string) => styleText('bold', text, { stream: out });
  const recent = new Map<string, number>();

  /** Shows a step while it runs, where the terminal can, and how long it took. */
  const step: Step = async (name, work) => {
    const from = performance.now();
    const label = name.padEnd(LABEL_WIDTH);
    let told = '';
    const show = () => {
      if (out.isTTY) out.write(`\r\x1b[2K  ${quiet('…')} ${label} ${quiet(told)}`);
      else if (told) write(`  … ${label} ${told}`);
    };
    show();
    // Where lines cannot be taken back, only a step that keeps somebody waiting says what it is doing.
    const patience = out.isTTY ? undefined : setTimeout(show, PATIENCE_MS).unref();
    try {
      const result = await work((text) => {
        told = text;
        if (out.isTTY) show();
      });
      if (out.isTTY) out.write('\r\x1b[2K');
      const mark = styleText('green', '✓', { stream: out });
      write(`  ${mark} ${label} ${seconds(from).padStart(7)}${told && `  ${quiet(told)}`}`);
      return result;
    } catch (error) {
      if (out.isTTY) out.write('\r\x1b[2K');
      write(`  ${styleText('red', '✗', { stream: out })} ${label} ${seconds(from).padStart(7)}`);
      throw error;
    } finally {
      clearTimeout(patience);
    }
  };

  return {
    step,
    write,
    title: (text: string) => write(`\n${loud(text)}\n`),

    ready(shop: Shop, { seeded, folder }: { seeded: boolean; folder: string }): void {
      // Passwords stay in files that only their owner may read: what is printed is copied into logs and chats.
      const placeOf = (store: StoreName, url: string) =>
        `${new URL(url).host}, ${shop.stores.origin[store] === 'configured' ? 'configured' : `password in ${shown(join(folder, store, 'store.json'))}`}`;
      const row = (label: string, value: string) => write(`  ${label.padEnd(LABEL_WIDTH)} ${value}`);
      write(`\n${loud('Ready')} in ${seconds(startedAt)}\n`);
      row('storefront', loud(shop.gatewayUrl));
      row('staff', loud(shop.adminUrl));
      row('jobs', quiet(new URL('/jobs', shop.metricsUrls.gateway).href));
      for (const service of [...Object.values(shop.services), ...shop.twins]) {
        if (service.name !== 'gateway') row(service.name, quiet(`${service.url}, process ${service.pid}`));
      }
      row('pictures', quiet(shop.mediaUrl));
      row('mysql', quiet(placeOf('mysql', shop.stores.mysqlAdminUrl)));
      row('redis', quiet(placeOf('redis', shop.stores.redisUrl)));
      row('logs', quiet(shown(join(folder, 'logs'))));
      if (seeded) {
        write(`\nDemo accounts, all with the password ${loud(DEMO_PASSWORD)}\n`);
        for (const { email, role, does } of demoAccounts)
          write(`  ${email.padEnd(24)} ${role.padEnd(16)} ${quiet(does)}`);
      }
      write(`\nOpen the storefront in a browser and paste this, or send it from here:\n\n${FIRST_QUERY}\n`);
      write(quiet(curl(shop.gatewayUrl)));
      write(`\nCtrl-C stops everything.\n`);
    },

    /** A warning or an error from a service's log. The same one again within a moment is not repeated. */
    trouble(name: string, { level, text }: LogEntry): void {
      const now = Date.now();
      const key = `${name} ${text}`;
      if (now - (recent.get(key) ?? 0) < REPEAT_AFTER_MS) return;
      recent.set(key, now);
      const mark = styleText(level === 'warn' ? 'yellow' : 'red', level.padEnd(5), { stream: out });
      write(`${quiet(new Date(now).toTimeString().slice(0, 8))} ${name.padEnd(9)} ${mark} ${text}`);
    },
  };
}

const LABEL_WIDTH = 11;
const PATIENCE_MS = 1_000;
const REPEAT_AFTER_MS = 30_000;

/** What a newcomer tries first. */
export const FIRST_QUERY = `  {
    productSearch(query: "tea", first: 3) {
      totalCount { count }
      nodes { title priceRange { min { amount currencyCode } } }
    }
  }`;

/** A path as a person would type it here. */
function shown(path: string): string {
  const fromRoot = relative(root, path);
  return fromRoot.startsWith('..') ? path : fromRoot;
}

function curl(url: string): string {
  return `  curl -s ${url} -H 'content-type: application/json' \\\n    -d '${JSON.stringify({ query: FIRST_QUERY.replaceAll(/\s+/g, ' ').trim() })}'`;
}

function seconds(from: number): string {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`;
}
