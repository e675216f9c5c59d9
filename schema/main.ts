#!/usr/bin/env node
import { enableCompileCache } from 'node:module';
import { Problem } from './problem.ts';

/** The commands that guard the contract. Each is loaded only when it is called: checking should not wait for what publishing needs. */
const commands: Record<string, { does: string; run: (given: string[]) => Promise<number> }> = {
  check: {
    does: 'tells whether a change of SDL may ship',
    run: async (given) => (await import('./check/command.ts')).checkCommand(given),
  },
  usage: {
    does: 'tells what clients asked for, and what nobody did',
    run: async (given) => (await import('./usage/command.ts')).usageCommand(given),
  },
  operations: {
    does: "validates and registers a client's operations",
    run: async (given) => (await import('./operations-check/command.ts')).operationsCommand(given),
  },
  retire: {
    does: 'forgets a version of a client that nobody uses any more',
    run: async (given) => (await import('./registry/read-commands.ts')).retireCommand(given),
  },
  publish: {
    does: 'checks a graph and puts it up in the registry',
    run: async (given) => (await import('./registry/publish-commands.ts')).publishCommand(given),
  },
  promote: {
    does: 'puts the graph of one stage up for another',
    run: async (given) => (await import('./registry/publish-commands.ts')).promoteCommand(given),
  },
  rollback: {
    does: 'puts an earlier graph up again',
    run: async (given) => (await import('./registry/publish-commands.ts')).rollbackCommand(given),
  },
  history: {
    does: 'lists what was published',
    run: async (given) => (await import('./registry/read-commands.ts')).historyCommand(given),
  },
  show: {
    does: 'prints a publication, or a part of it',
    run: async (given) => (await import('./registry/read-commands.ts')).showCommand(given),
  },
  diff: {
    does: 'tells what changed between two publications',
    run: async (given) => (await import('./registry/read-commands.ts')).diffCommand(given),
  },
  serve: {
    does: 'serves the registry over HTTP to pipelines',
    run: async (given) => (await import('./registry/serve-command.ts')).serveCommand(given),
  },
};

async function main([name = '', ...given]: string[]): Promise<number> {
  const command = commands[name];
  if (command) return command.run(given);
  const list = Object.entries(commands).map(([known, { does }]) => `  ${known.padEnd(12)}${does}`);
  const text = `Usage: souk-schema <command>\n\n${list.join('\n')}\n\nEach tells more with --help.\n`;
  if (name === 'help' || name === '--help') {
    process.stdout.write(text);
    return 0;
  }
  throw new Problem('usage', name ? `There is no command "${name}".\n\n${text}` : text);
}

// A third of what a check costs is compiling what it stands on.
enableCompileCache();

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${error instanceof Problem ? error.message.trimEnd() : ((error as Error).stack ?? error)}\n`);
  process.exitCode = error instanceof Problem ? error.exitCode : 3;
}
