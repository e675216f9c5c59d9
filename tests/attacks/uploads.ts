import { inject } from 'vitest';
import { type Attack, attack } from './attack.ts';
import { ask, post } from './request.ts';
import type { Scene } from './scene.ts';

/** The shop takes no files: pictures are addresses, given by staff. So nobody may send a file, and no address may be anything but one of the web. */

const { gatewayUrl } = inject('shop');

const multipart = (name: string) =>
  [
    '--x',
    'content-disposition: form-data; name="operations"',
    '',
    '{"query":"mutation ($file: Upload!) { mediaUpload(file: $file) { id } }","variables":{"file":null}}',
    '--x',
    'content-disposition: form-data; name="map"',
    '',
    '{"0":["variables.file"]}',
    '--x',
    `content-disposition: form-data; name="0"; filename="${name}"`,
    'content-type: image/png',
    '',
    '<svg onload="alert(1)"/>',
    '--x--',
  ].join('\r\n');

const files: Attack[] = ['picture.png', '../../../etc/passwd', 'picture.php\u0000.png'].map((name) => ({
  tries: `to send a file called ${JSON.stringify(name)}`,
  request: () => post(gatewayUrl, multipart(name), { 'content-type': 'multipart/form-data; boundary=x' }),
  answer: { status: 415, code: 'BAD_USER_INPUT' },
}));

function withMedia({ admin }: Scene, media: unknown) {
  const variants = [{ sku: 'ATTACK-1', price: { amount: '1.00', currencyCode: 'EUR' } }];
  return ask(
    admin,
    'mutation ($input: ProductCreateInput!) { productCreate(input: $input) { product { id } userErrors { code } } }',
    {
      input: { title: 'X', description: 'X', variants, media },
    },
  );
}

const addresses: Attack[] = [
  ...[
    'javascript:alert(1)',
    'data:text/html,<script>alert(1)</script>',
    'file:///etc/passwd',
    'https://user:password@shop.example/a.png',
    '//shop.example/a.png',
    '/etc/passwd',
    'https://',
    `https://shop.example/${'x'.repeat(2_048)}`,
  ].map((url) =>
    attack({
      tries: `as staff a picture at ${url.slice(0, 60)}`,
      request: (scene) => withMedia(scene, [{ url }]),
      answer: { status: [200, 400], code: 'BAD_USER_INPUT' },
    }),
  ),
  attack({
    tries: 'as staff twenty-one pictures',
    request: (scene) => withMedia(scene, Array(21).fill({ url: 'https://shop.example/a.png' })),
    answer: { status: 200, userErrors: ['LIMIT_REACHED'] },
  }),
  attack({
    tries: 'as staff a kind of picture that there is not',
    request: (scene) => withMedia(scene, [{ url: 'https://shop.example/a.png', kind: 'EXECUTABLE' }]),
    answer: { status: 400, code: 'BAD_USER_INPUT' },
  }),
  attack({
    tries: 'as staff 501 characters about a picture',
    request: (scene) => withMedia(scene, [{ url: 'https://shop.example/a.png', altText: 'x'.repeat(501) }]),
    answer: { status: 200, userErrors: ['INVALID'] },
  }),
];

export const uploads = [...files, ...addresses];
