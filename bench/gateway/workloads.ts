/** What clients ask in a measurement, and what makes it one of its own. */
export interface Workload {
  name: WorkloadName;
  says: string;
  query: string;
  /** Of one request; the number tells requests apart where they are not to be the same. */
  variables: (request: number) => Record<string, unknown>;
}

const parts = `
fragment PersonParts on Person { id handle name }
fragment ReviewParts on Review { id text stars }
fragment ProductParts on Product { id name price weight inStock shippingPrice }`;

const big = `query Big($language: Language!) {
  people(first: 10, language: $language) {
    ...PersonParts
    reviews(first: 2) {
      ...ReviewParts
      product {
        ...ProductParts
        reviews(first: 2) {
          ...ReviewParts
          author {
            ...PersonParts
            reviews(first: 2) { ...ReviewParts product { ...ProductParts reviews(first: 1) { ...ReviewParts author { handle } } } }
          }
        }
      }
    }
  }
  topProducts(first: 5, language: $language) {
    ...ProductParts
    reviews(first: 4) {
      ...ReviewParts
      author {
        ...PersonParts
        reviews(first: 4) { ...ReviewParts product { ...ProductParts reviews(first: 1) { ...ReviewParts author { handle } } } }
      }
    }
  }
}
${parts}`;

const all = {
  big: {
    says: 'some 90 KB of answer from 18 requests to four subgraphs',
    query: big,
    variables: () => ({ language: 'ENGLISH' }),
  },
  chinese: {
    says: 'the same with Chinese texts',
    query: big,
    variables: () => ({ language: 'CHINESE' }),
  },
  small: {
    says: 'half a kilobyte from one request',
    query: 'query Small { people(first: 6) { id name handle born } }',
    variables: () => ({}),
  },
  hop: {
    says: 'ten entities of one subgraph with a field of another one',
    query: 'query Hop { topProducts(first: 10) { id name inStock } }',
    variables: () => ({}),
  },
  unique: {
    says: 'three requests, one after the other, with variables that no other client sends',
    query: `query Unique($id: ID!) { person(id: $id) { name reviews(first: 2) { text product { name price } } } }`,
    variables: (request: number) => ({ id: uniqueId(request) }),
  },
} satisfies Record<string, Omit<Workload, 'name'>>;

export type WorkloadName = keyof typeof all;
export const workloadNames = Object.keys(all) as WorkloadName[];
export const workloadOf = (name: WorkloadName): Workload => ({ name, ...all[name] });

/** An id that is met in one request only. The subgraphs know it by its form. */
export function uniqueId(request: number): string {
  return `unique-${String(request % 1e9).padStart(9, '0')}`;
}

export const UNIQUE_ID = /unique-\d{9}/g;
