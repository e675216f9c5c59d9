/** What every service loads before anything else: `node --import @souk/platform/preload src/main.ts`. */
import './quick-imports.ts';
import './telemetry.ts';
