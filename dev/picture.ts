import { motifOf } from './picture-motifs.ts';
import { fnv1a } from './seed/random.ts';

/** Every picture is a square of this size. */
export const pictureSize = { width: 800, height: 800 } as const;

/**
 * Draws the picture with this name, the same every time: `alba-silk-scarf-navy` is a navy scarf, `atlas-porcelain-tea-set-2` the second view of a tea
 * set, `brand-kestrel-row` the sign of a brand. A name that says nothing becomes a pattern.
 */
export function drawPicture(name: string): string {
  const { subject, colour, view } = readName(name);
  const hue = fnv1a(subject) >>> 0;
  const ink = inkOf(colour, hue);
  const paper = hue % 360;
  const tilt = ((hue >>> 9) % 13) - 6 + (view - 1) * 9;
  const scale = 1.45 + ((hue >>> 5) % 4) * 0.06 + (view - 1) * 0.22;
  const { width, height } = pictureSize;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    '<defs>',
    '<linearGradient id="paper" x1="0" y1="0" x2="1" y2="1">',
    `<stop offset="0" stop-color="hsl(${paper} 45% 95%)"/><stop offset="1" stop-color="hsl(${(paper + 40) % 360} 42% 86%)"/>`,
    '</linearGradient>',
    `<radialGradient id="light"><stop offset="0" stop-color="#fff" stop-opacity=".9"/><stop offset="1" stop-color="#fff" stop-opacity="0"/></radialGradient>`,
    '</defs>',
    `<rect width="${width}" height="${height}" fill="url(#paper)"/>`,
    backdrop(hue, paper),
    '<circle cx="400" cy="380" r="330" fill="url(#light)"/>',
    '<ellipse cx="400" cy="660" rx="230" ry="26" fill="#000" opacity=".08"/>',
    `<g transform="translate(400 400) rotate(${tilt}) scale(${scale.toFixed(2)}) translate(-200 -200)" stroke-linecap="round" stroke-linejoin="round">`,
    motifOf(subject)(ink),
    '</g>',
    '</svg>',
  ].join('');
}

/** The three tones a thing is drawn in. */
export interface Ink {
  main: string;
  dark: string;
  light: string;
}

/** Tones of the colours that products come in. */
const tones: Record<string, [hue: number, saturation: number, lightness: number]> = {
  black: [220, 12, 18],
  white: [40, 20, 97],
  navy: [222, 48, 28],
  sand: [38, 42, 72],
  olive: [75, 32, 38],
  rust: [16, 62, 44],
  'sky-blue': [204, 66, 66],
  charcoal: [210, 9, 34],
  cream: [46, 58, 88],
  'forest-green': [150, 38, 26],
  plum: [318, 32, 36],
  mustard: [44, 76, 52],
};

const named = new RegExp(`^(?<subject>.+?)(?:-(?<colour>${Object.keys(tones).join('|')}))?(?:-(?<view>[1-9]))?$`);

function readName(name: string): { subject: string; colour: string | undefined; view: number } {
  const { subject = name, colour, view = '1' } = named.exec(name)?.groups ?? {};
  return { subject, colour, view: Number(view) };
}

function inkOf(colour: string | undefined, hue: number): Ink {
  const [h, s, l] = (colour && tones[colour]) || [(hue >>> 3) % 360, 42, 46];
  const tone = (lightness: number) => `hsl(${h} ${s}% ${Math.min(98, Math.max(6, lightness))}%)`;
  return { main: tone(l), dark: tone(l > 60 ? l - 22 : l - 14), light: tone(l > 85 ? l - 8 : l + 18) };
}

/** Large quiet shapes behind the thing. */
function backdrop(hue: number, paper: number): string {
  const shapes = [0, 1, 2].map((index) => {
    const seed = Math.imul(hue ^ (index * 0x9e3779b1), 0x85ebca6b) >>> 0;
    const [x, y, radius] = [seed % 800, (seed >>> 8) % 800, 90 + ((seed >>> 16) % 170)];
    return `<circle cx="${x}" cy="${y}" r="${radius}" fill="hsl(${(paper + index * 25) % 360} 50% 78%)" opacity=".28"/>`;
  });
  return shapes.join('');
}
