import { gzipSync } from 'node:zlib';
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

export interface ExplorerPage {
  body: Buffer;
  headers: Record<string, string>;
}

/**
 * GraphiQL in one page that loads nothing from anywhere: it works offline and under a strict content security policy.
 * The page carries a whole editor, nine megabytes of it, so it is compressed, once, when it is first asked for.
 */
export function createExplorer(endpoint: string): () => ExplorerPage {
  let page: ExplorerPage | undefined;
  return () => {
    page ??= {
      body: gzipSync(renderGraphiQL({ title: 'Souk', endpoint, method: 'POST', defaultQuery: welcome })),
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-encoding': 'gzip',
        'content-security-policy': policy,
        'cache-control': 'private, max-age=3600',
      },
    };
    return page;
  };
}

/** What the page may do: its own inline code, its workers, its own origin. */
const policy =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data: 'self'; font-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
