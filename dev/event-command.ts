import { parseArgs } from 'node:util';
import { typeOfId } from '@souk/platform/id';
import { subgraphNames } from '@souk/schema/subgraphs';
import { openEvents, type ParkedEvent } from './event-routes.ts';
import { parkedTable, routeTable } from './event-table.ts';
import { Problem } from './problem.ts';
import { configuredDatabases, runningShop, type ShopEnvironment, subgraphDatabases } from './shop-databases.ts';

const usage = `npm run events -- [redrive <event id> [--to <listener>] | redrive --all [--to <listener>]] [--json]

  (nothing)   tell how many events wait, are under way and are parked, and show each parked one with its reason
  redrive     send a parked event again, or all of them, each in its old place; what took effect in the meantime does nothing
  --to        to this listener only: ${subgraphNames.join(', ')}
  --json      say it for programs

It looks at the shop that runs here. To look at another one, name its databases in USER_DATABASE_URL, CATALOG_DATABASE_URL, CART_DATABASE_URL,
ORDER_DATABASE_URL and PAYMENT_DATABASE_URL; to send again, their accounts must be able to change the outbox. Redis is not needed.
Exit code: 0 when nothing is parked, or when what was asked for is sent again; 1 when something is parked, or the event to send again is not; 2 when
this could not be found out.
`;

/** What a command says, and how it ends. */
export interface Answer {
  text: string;
  exitCode: number;
}

/**
 * Does what these arguments of `npm run events` ask for.
 *
 * @throws {Problem} when they are none, or when there is no shop to look at
 */
export async function runEventCommand(args: string[], env: ShopEnvironment): Promise<Answer> {
  const { eventId, to, all, json, help } = readArguments(args);
  if (help) return { text: usage, exitCode: 0 };
  await using events = openEvents(await databasesOf(env));
  if (eventId === undefined && !all) {
    const { routes, parked } = await events.look();
    const text = json ? asJson({ routes, parked }) : `${routeTable(routes)}\n${parkedTable(parked)}`;
    return { text, exitCode: parked.length === 0 ? 0 : 1 };
  }
  const sent = await events.redrive({ eventId, subscriber: to });
  return { text: json ? asJson({ sent }) : answerTo(sent), exitCode: sent.length > 0 || all ? 0 : 1 };
}

async function databasesOf(env: ShopEnvironment) {
  const configured = configuredDatabases(env);
  if (configured) return configured;
  await runningShop(env);
  return subgraphDatabases(env);
}

function answerTo(sent: readonly ParkedEvent[]): string {
  if (sent.length === 0) return 'Nothing of that is parked, so nothing is sent again.\n';
  return `${parkedTable(sent)}\nSent again: ${sent.length}. "npm run events" tells what came of it.\n`;
}

const asJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

function readArguments(args: string[]) {
  const { values, positionals } = parse(args);
  const [command, eventId, ...rest] = positionals;
  const { all, to } = values;
  const isWhole = command === 'redrive' && rest.length === 0 && (eventId === undefined) === all;
  if (command === undefined ? all || to !== undefined : !isWhole) throw new Problem(usage);
  if (eventId !== undefined && typeOfId(eventId) !== 'Event')
    throw new Problem(`Expected the id of an event, which begins with "evnt_", got ${eventId}.`);
  if (to !== undefined && !(subgraphNames as readonly string[]).includes(to))
    throw new Problem(`Expected --to with one of ${subgraphNames.join(', ')}, got ${to}.`);
  return { ...values, eventId };
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        all: { type: 'boolean', default: false },
        to: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new Problem(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}
