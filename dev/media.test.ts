import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { mediaPlaceOf, serveMedia } from './media.ts';
import { drawPicture } from './picture.ts';
import { kinds } from './seed/assortment.ts';
import { productAt } from './seed/products.ts';

describe('a picture', () => {
  it('is the same every time', () => {
    expect(drawPicture('alba-silk-scarf-navy')).toBe(drawPicture('alba-silk-scarf-navy'));
  });

  it('shows the colour it is named for', () => {
    const [navy, rust] = ['navy', 'rust'].map((colour) => drawPicture(`alba-silk-scarf-${colour}`));
    expect(navy).toContain('hsl(222 48% 28%)');
    expect(rust).toContain('hsl(16 62% 44%)');
  });

  it('shows something for every kind of product, and a pattern for a name that says nothing', () => {
    const nothing = drawPicture('nothing');
    const shapesOf = (picture: string) =>
      picture.slice(picture.indexOf('<g ')).replaceAll(/hsl\([^)]*\)|transform="[^"]*"/g, '');
    for (const [index] of kinds.entries()) {
      const { media } = productAt(index);
      const picture = drawPicture(media[0]?.path.replace('.svg', '') ?? '');
      expect(shapesOf(picture), media[0]?.path).not.toBe(shapesOf(nothing));
    }
  });
});

describe('the pictures of a shop', () => {
  const folder = mkdtempSync(join(tmpdir(), 'souk-media-'));
  let url: string;
  let server: Awaited<ReturnType<typeof serveMedia>>;

  beforeAll(async () => {
    const place = await mediaPlaceOf(folder, { host: '127.0.0.1', port: await freePort() });
    ({ url } = place);
    server = await serveMedia(place);
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it('are served as images that can do nothing else', async () => {
    const response = await fetch(`${url}/alba-silk-scarf-navy.svg`);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/svg+xml',
      'content-security-policy': "default-src 'none'",
      'x-content-type-options': 'nosniff',
    });
    expect(await response.text()).toBe(drawPicture('alba-silk-scarf-navy'));
  });

  it('have addresses that stay, whatever port the gateway has next time', async () => {
    expect((await mediaPlaceOf(folder, { host: '127.0.0.1', port: 4000 })).url).toBe(url);
  });

  it.each(['/media/<script>.svg', '/media/..%2Fsecrets.svg', '/media/a.png', '/', `/media/${'a'.repeat(201)}.svg`])(
    'are not at %s',
    async (path) => {
      expect((await fetch(new URL(path, url))).status).toBe(404);
    },
  );

  it('can only be read', async () => {
    expect((await fetch(`${url}/a.svg`, { method: 'POST' })).status).toBe(405);
  });
});
