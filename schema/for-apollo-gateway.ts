/**
 * Apollo Gateway refuses a supergraph that links the specs of @authenticated and @requiresScopes `for: SECURITY`, because it does not enforce
 * them itself. The subgraphs do, so the purpose is taken from exactly these two links; a purpose nobody here knows still stops the gateway.
 */
export function forApolloGateway(supergraph: string): string {
  return supergraph.replace(
    /(@link\(url: "https:\/\/specs\.apollo\.dev\/(?:authenticated|requiresScopes)\/v[0-9.]+"), for: SECURITY\)/g,
    '$1)',
  );
}
