import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { exitCodes, Problem } from '../problem.ts';
import { type Stage, stages } from './registry.ts';

/** Options that every command of the registry has. */
export const commonOptions = {
  help: { type: 'boolean' },
  registry: { type: 'string' },
  stage: { type: 'string', default: 'production' },
} as const satisfies ParseArgsOptionsConfig;

/** What --help says of them. */
export const commonUsage = `  --registry <address>   a folder, mysql://account:password@host/souk_registry, or https://…; or SOUK_REGISTRY
  --stage <name>         production (the default) or staging`;

/**
 * Reads the options of a command.
 *
 * @throws {Problem} with the usage when there is one that the command does not know
 */
export function readCommand<const Options extends ParseArgsOptionsConfig>(
  given: string[],
  usage: string,
  options: Options,
) {
  try {
    return parseArgs({ args: given, options: { ...commonOptions, ...options }, allowPositionals: true });
  } catch (error) {
    throw wrongUsage((error as Error).message, usage);
  }
}

export function stageOf(given: string | undefined, usage: string): Stage {
  const stage = stages.find((known) => known === given);
  if (!stage) throw wrongUsage(`Expected a stage, ${stages.join(' or ')}, got "${given ?? ''}".`, usage);
  return stage;
}

export function numberOf(given: string | undefined, usage: string): number {
  if (given === undefined || !/^[1-9]\d{0,8}$/.test(given)) {
    throw wrongUsage(`Expected the number of a publication, got "${given ?? ''}".`, usage);
  }
  return Number(given);
}

export function wrongUsage(sentence: string, usage: string): Problem {
  return new Problem('usage', `${sentence}\n\n${usage}`);
}

export function printUsage(usage: string): number {
  process.stdout.write(usage);
  return exitCodes.ok;
}
