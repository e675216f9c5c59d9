import { gzipSync } from 'node:zlib';

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
 * The page carries a whole editor, nine megabytes of it, so it is read and compressed, once, when it is first asked for.
 */
export function createExplorer(endpoint: string): () => Promise<ExplorerPage> {
  let page: Promise<ExplorerPage> | undefined;
  return () => {
    page ??= render(endpoint);
    return page;
  };
}

async function render(endpoint: string): Promise<ExplorerPage> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  return {
    body: gzipSync(renderGraphiQL({ title: 'Souk', endpoint, method: 'POST', defaultQuery: welcome })),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-encoding': 'gzip',
      'content-security-policy': policy,
      'cache-control': 'private, max-age=3600',
    },
  };
}

/** What the page may do: its own inline code, its workers, its own origin. */
const policy =
  "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:; style-src 'unsafe-inline'; img-src data: 'self'; font-src data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
