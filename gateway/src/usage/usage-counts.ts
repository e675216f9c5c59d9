import type { Contract } from '@souk/schema/contracts';
import type { UsageCount } from '@souk/schema/registry/registry';
import type { ClientSoftware } from '../accounting/client-software.ts';

/** One operation that clients may ask for, known once and counted often. */
export interface AskedOperation {
  /** A client was answered. Costs a look-up of the client, one of the operation, and an addition. */
  count(client: ClientSoftware): void;
}

/** Opens the count of one operation. `coordinates` finds out what it asks for. */
export type CountUsage = (coordinates: () => readonly string[]) => AskedOperation;

/** What clients asked for since it was last taken. */
export interface UsageCounts {
  /** @param coordinates what the operation asks for; called once, when it is first counted */
  operation(contract: Contract, coordinates: () => readonly string[]): AskedOperation;
  /** Hands out all that was counted, and begins anew. */
  take(): UsageCount[];
  /** Lets other clients be told apart: those that came first are for one day only. */
  forgetClients(): void;
}

/** How many versions of clients are told apart; those that come later are `other`. Names come from outside, and whoever likes can make some up. */
const MAX_CLIENTS = 50;
/** How many operations may be counted one by one. With more they are added up by what they ask for, of which there is no more than the schema has. */
const MAX_OPERATIONS = 5_000;

interface Operation {
  readonly contract: Contract;
  readonly coordinates: readonly string[];
}

interface Client {
  readonly name: string;
  readonly version: string;
  readonly operations: Map<Operation, number>;
  /** What was added up. */
  readonly coordinates: Record<Contract, Map<string, number>>;
}

export function createUsageCounts({ maxClients = MAX_CLIENTS, maxOperations = MAX_OPERATIONS } = {}): UsageCounts {
  const clients = new Map<string, Client>();
  const others = clientOf({ name: 'other', version: 'other' });
  let operations = 0;

  function find(software: ClientSoftware): Client {
    const key = software.name === undefined ? '' : `${software.name}\n${software.version}`;
    const known = clients.get(key);
    if (known) return known;
    if (clients.size >= maxClients) return others;
    const client = clientOf(software);
    clients.set(key, client);
    return client;
  }

  function count(operation: Operation, software: ClientSoftware): void {
    const client = find(software);
    const requests = client.operations.get(operation);
    client.operations.set(operation, (requests ?? 0) + 1);
    if (requests === undefined && ++operations > maxOperations) addUp();
  }

  function addUp(): void {
    for (const client of [...clients.values(), others]) {
      for (const [{ contract, coordinates }, requests] of client.operations) {
        const counts = client.coordinates[contract];
        for (const coordinate of coordinates) counts.set(coordinate, (counts.get(coordinate) ?? 0) + requests);
      }
      client.operations.clear();
    }
    operations = 0;
  }

  return {
    operation(contract, coordinates) {
      let operation: Operation | undefined;
      return {
        count(software) {
          operation ??= { contract, coordinates: coordinates() };
          count(operation, software);
        },
      };
    },
    take() {
      addUp();
      return [...clients.values(), others].flatMap(takeFrom);
    },
    forgetClients: () => clients.clear(),
  };
}

/** Many clients do not say who they are, and a version of nobody says nothing. */
function clientOf({ name, version = 'unknown' }: ClientSoftware): Client {
  return {
    name: name ?? 'unnamed',
    version: name === undefined ? 'unknown' : version,
    operations: new Map(),
    coordinates: { storefront: new Map(), admin: new Map() },
  };
}

function takeFrom({ name: client, version, coordinates }: Client): UsageCount[] {
  const taken = (Object.keys(coordinates) as Contract[]).flatMap((contract) =>
    [...coordinates[contract]].map(([coordinate, requests]) => ({ contract, client, version, coordinate, requests })),
  );
  for (const counts of Object.values(coordinates)) counts.clear();
  return taken;
}
