// Loaded on demand by the check itself; no test should wait for it.
import './lint-findings.ts';
import { readFileSync } from 'node:fs';
import type { Contract } from '../contracts.ts';
import { type CheckRequest, check, type Graph, type Report } from './check.ts';
import { composeContracts } from './composition.ts';
import type { FieldUsage, RegisteredOperation } from './evidence.ts';

/** A small shop to change in tests: a type of everything that a schema can have, spread over three subgraphs. */
export const common = readFileSync(new URL('../_common.graphql', import.meta.url), 'utf8');

export const sdl = {
  user: `
    type Query {
      viewer: User @authenticated
    }
    type User @key(fields: "id") @owned {
      id: ID!
      name: String!
      email: String @authenticated
      "At most 5."
      roles: [String!] @requiresScopes(scopes: [["user:read"]]) @tag(name: "admin")
      secret: String @inaccessible
    }
    type Mutation {
      signIn(password: String!): String @public @sensitive
    }
  `,
  catalog: `
    type Query {
      product(id: ID!, currency: String = "EUR"): Product @public
      found(text: String, kinds: [Kind!], first: Int = 20): [Found!] @public @listSize(slicingArguments: ["first"])
      item(id: ID!): Item @public
      stock(warehouse: String): Int @requiresScopes(scopes: [["stock:read"]]) @tag(name: "admin")
    }
    type Mutation {
      productUpdate(input: ProductUpdateInput!): Product @requiresScopes(scopes: [["product:write"]]) @tag(name: "admin")
    }
    input ProductUpdateInput @tag(name: "admin") { id: ID! title: String state: ProductState limit: Int = 3 }
    interface Item { id: ID! label: String! }
    union Found = Product | Brand
    enum Kind { PRODUCT BRAND OLD @deprecated(reason: "Use BRAND. Removal not before 2026-01-31.") }
    enum ProductState { DRAFT ACTIVE ARCHIVED }
    type Product implements Item @key(fields: "id") @key(fields: "slug") @public {
      id: ID!
      slug: String!
      label: String!
      title(language: String = "en"): String!
      subtitle: String
      state: ProductState!
      price: Money
      weight: Int @deprecated(reason: "Use mass. Removal not before 2026-06-30.")
      color: String @deprecated(reason: "Use label. Removal not before 2027-06-30.")
      size: String @deprecated(reason: "Do not use.")
      brand: Brand
    }
    type Brand implements Item @key(fields: "id") @public { id: ID! label: String! country: String }
  `,
  order: `
    type Query {
      order(id: ID!): Order @owned
    }
    type Mutation {
      orderPlace(input: OrderPlaceInput!): Order @authenticated @reserved
    }
    input OrderPlaceInput { cartId: ID! note: String speed: Speed = NORMAL voucher: String @deprecated(reason: "Use note. Removal not before 2026-06-30.") }
    enum Speed { NORMAL FAST }
    enum OrderStatus { OPEN PAID }
    type Order @key(fields: "id") @owned {
      id: ID!
      status: OrderStatus!
      note: String
      total: Money!
      customer: User
    }
    type User @key(fields: "id", resolvable: false) { id: ID! }
    type Product @key(fields: "id") @public { id: ID! orderCount: Int }
  `,
};

export type SubgraphName = keyof typeof sdl;
/** What is written instead of what, by subgraph. */
export type Edits = Partial<Record<SubgraphName, readonly (readonly [string, string])[]>>;

/** The day on which all of it happens. */
export const today = '2026-11-21';

export const before: Graph = withApis(graph('before', {}));

export function graph(label: string, edits: Edits): Graph {
  const names = Object.keys(sdl) as SubgraphName[];
  return {
    label,
    subgraphs: names.map((name) => ({
      name,
      parts: [
        { file: 'schema/_common.graphql', text: common },
        { file: `schema/${name}.graphql`, text: edited(sdl[name], edits[name] ?? []) },
      ],
    })),
  };
}

/** Composed once for all tests of a file. */
function withApis(state: Graph): Graph {
  const { storefront, admin } = composeContracts(state.subgraphs).contracts;
  return { ...state, apis: { storefront: storefront?.api ?? '', admin: admin?.api ?? '' } };
}

function edited(text: string, edits: readonly (readonly [string, string])[]): string {
  return edits.reduce((result, [find, replace]) => {
    if (!result.includes(find)) throw new Error(`The shop of the tests has no "${find}".`);
    return result.replace(find, replace);
  }, text);
}

/** An operation that a client registered half a year ago. */
export function registered(body: string, contract: Contract = 'storefront'): RegisteredOperation {
  const name = /(?:query|mutation) (\w+)/.exec(body)?.[1] ?? 'Unnamed';
  return { contract, client: 'shop-app', version: '1.4.0', name, body, since: '2026-05-02T00:00:00.000Z' };
}

export function seen(coordinate: string, contract: Contract = 'storefront'): FieldUsage {
  const [firstSeenAt, lastSeenAt] = ['2026-11-01T00:00:00.000Z', '2026-11-20T00:00:00.000Z'];
  return { contract, client: 'old-app', version: '0.9.0', coordinate, requests: 12, firstSeenAt, lastSeenAt };
}

/** Checks edits of the shop against what clients do. */
export function checkEdits(edits: Edits, request: Partial<CheckRequest> = {}): Promise<Report> {
  const evidence = { operations: [], usage: [], usageDays: 0, approvals: [], today, cacheFolder: null };
  return check({ before, after: graph('after', edits), ...evidence, ...request });
}
