import { newKey, publicHalf } from '@souk/dev/secrets';
import { createVerifier } from '@souk/platform/identity';
import { describe, expect, it } from 'vitest';
import { assertionHeaders } from './service-assertion.ts';

describe('what is shown to a subgraph that is asked for its SDL', () => {
  const key = newKey('gateway');

  it('is believed by that subgraph, and by no other', async () => {
    const { 'souk-assertion': assertion } = await assertionHeaders(JSON.stringify(key), 'order');
    const verify = (audience: 'order' | 'payment') =>
      createVerifier({ audience, publicKeys: { keys: [publicHalf(key)] } });
    expect(await verify('order')(assertion)).toEqual({ service: 'gateway', viewer: null });
    await expect(verify('payment')(assertion)).rejects.toMatchObject({ extensions: { code: 'UNAUTHENTICATED' } });
  });

  it('is not made for a subgraph that this shop does not have', async () => {
    await expect(assertionHeaders(JSON.stringify(key), 'reviews')).rejects.toThrow('Expected --subgraph to be one of');
  });
});
