import { withDefer } from '@souk/platform/defer';
import type { Gateway } from '../compiled-gateway.ts';

/** A gateway that answers whole, with `@defer` in its API. */
export function declareDefer(gateway: Gateway): Gateway {
  return {
    load: (config) => gateway.load(config),
    onSchemaLoadOrUpdate: (listener) =>
      gateway.onSchemaLoadOrUpdate(({ apiSchema, ...others }) =>
        listener({ ...others, apiSchema: withDefer(apiSchema) }),
      ),
    stop: () => gateway.stop(),
  };
}
