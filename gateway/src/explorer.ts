import { renderGraphiQL } from '@graphql-yoga/render-graphiql';

const welcome = `# Welcome to Souk. Try this:
query Browse {
  products(first: 3) {
    nodes {
      id
      title
      priceRange {
        min {
          amount
          currencyCode
        }
      }
    }
  }
}
`;

/** GraphiQL in one page that loads nothing from anywhere: it works offline and under a strict content security policy. */
export function explorerPage(endpoint: string): string {
  return renderGraphiQL({ title: 'Souk', endpoint, defaultQuery: welcome });
}

/** What the explorer page may do: its own inline code, its workers, its own origin. */
export const explorerPolicy =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data: 'self'; font-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
