import type { Logger } from '@souk/platform/logger';
import { openRegistry } from '@souk/schema/registry/open-registry';
import type { Environment } from '../env.ts';
import { recordUsage, type UsageRecording } from './record-usage.ts';

type Settings = Pick<Environment, 'SOUK_REGISTRY' | 'SOUK_REGISTRY_TOKEN' | 'USAGE_RECORDING' | 'USAGE_PERIOD'>;

/** Records usage in the registry that the environment names. Undefined where none is named, or nobody wants to know. */
export async function openUsageRecording(env: Settings, logger: Logger): Promise<UsageRecording | undefined> {
  if (!env.SOUK_REGISTRY || env.USAGE_RECORDING === 'off') return undefined;
  const registry = await openRegistry(env.SOUK_REGISTRY, env.SOUK_REGISTRY_TOKEN);
  const recording = recordUsage({ registry, everyMs: env.USAGE_PERIOD, logger });
  return {
    ...recording,
    async close() {
      await recording.close();
      await registry.close();
    },
  };
}
