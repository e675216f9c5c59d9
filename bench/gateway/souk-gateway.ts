import { type LoneGateway, startLoneGateway, tellAccessState } from '@souk/dev/lone-gateway';
import { defaultDoorLimits } from '@souk/platform/door-limits';
import type { Field } from './contestants.ts';

/**
 * Starts the shop's gateway as it runs in production, over the supergraph of the measurement. Every request is authenticated, guarded, estimated and counted
 * against its limits; they are only too high to be reached.
 *
 * @param settings what is to be different
 */
export async function startSoukGateway(
  name: string,
  { folder, supergraphFile, urls, redisUrl, jwksUrl }: Field,
  settings: Record<string, string> = {},
): Promise<LoneGateway> {
  await tellAccessState(redisUrl, { instance: { ...defaultDoorLimits.instance, delayMs: 10_000 } });
  return startLoneGateway(name, {
    folder,
    redisUrl,
    settings: {
      NODE_ENV: 'production',
      LOG_LEVEL: 'info',
      SUPERGRAPH_STOREFRONT_FILE: supergraphFile,
      SUPERGRAPH_ADMIN_FILE: supergraphFile,
      // Nobody asks the user subgraph: what it would tell stands in Redis.
      SUBGRAPH_URLS: JSON.stringify({ ...urls, user: urls.people }),
      JWKS_URL: jwksUrl,
      STOREFRONT_COST_BUDGET: '1000000',
      ADMIN_COST_BUDGET: '1000000',
      ...settings,
    },
  });
}
