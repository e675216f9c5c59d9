import { readEnvironment } from '@souk/platform/env';
import { subgraphEnvironment } from '@souk/platform/service';

export const readEnv = () => readEnvironment(subgraphEnvironment, process.env);
