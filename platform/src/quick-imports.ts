import { registerHooks } from 'node:module';

/**
 * Node parses the `exports` of a package anew for every ES module of it that is imported. Those of drizzle-orm have 180 KB, and 130 of its modules are
 * imported: that took a third of what it costs to start a subgraph. But what one of them imports from beside it is where the path says, and an ES module.
 */
const manyExports = '/node_modules/drizzle-orm/';

registerHooks({
  resolve(specifier, context, next) {
    const { parentURL } = context;
    const isBeside = specifier.startsWith('.') && specifier.endsWith('.js') && parentURL?.includes(manyExports);
    if (!isBeside) return next(specifier, context);
    return { url: new URL(specifier, parentURL).href, format: 'module', shortCircuit: true };
  },
});
