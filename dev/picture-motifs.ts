import type { Ink } from './picture.ts';

type Motif = (ink: Ink) => string;

/** What the words of a name show, drawn on a sheet of 400 by 400. */
export function motifOf(subject: string): Motif {
  const found = motifs.find(([words]) => words.test(subject));
  return found ? found[1] : pattern;
}

const filled = (colour: string, path: string) => `<path d="${path}" fill="${colour}"/>`;
const drawn = (colour: string, width: number, path: string) =>
  `<path d="${path}" fill="none" stroke="${colour}" stroke-width="${width}"/>`;
const disc = (colour: string, x: number, y: number, radius: number) =>
  `<circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/>`;
const box = (colour: string, x: number, y: number, width: number, height: number, radius = 0) =>
  `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}" fill="${colour}"/>`;

const shoe: Motif = ({ main, dark, light }) =>
  filled(main, 'M62 262v-92q0-16 15-12 42 8 62-28 7-11 18-4l92 62q36 24 84 30 38 6 38 44z') +
  filled(light, 'M56 256h318q6 40-24 40H72q-22 0-16-40z') +
  filled(dark, 'M62 178q16 46 66 44v34H62z') +
  drawn(light, 7, 'M178 158l-22 26M204 176l-20 26M230 194l-18 24');

const boot: Motif = ({ main, dark, light }) =>
  filled(main, 'M112 78h104v106q40 34 96 44 48 8 48 40H112z') +
  filled(light, 'M106 262h260q4 36-22 36H124q-22 0-18-36z') +
  filled(dark, 'M112 78h104v30H112z') +
  drawn(light, 6, 'M186 136h36M186 160h38M192 184h40');

const sandal: Motif = ({ main, dark, light }) =>
  filled(dark, 'M50 260q150-30 310 0 8 38-30 38H84q-40 0-34-38z') +
  filled(light, 'M52 252q150-26 306 0l2 16q-150-24-310 0z') +
  drawn(main, 30, 'M108 244q50-96 96-4M210 244q56-104 110 4');

const shirt: Motif = ({ main, dark, light }) =>
  filled(main, 'M138 78l-86 48 34 74 38-16v146h152V184l38 16 34-74-86-48q-28 34-62 34t-62-34z') +
  filled(dark, 'M138 78q28 34 62 34t62-34l-14-6q-24 22-48 22t-48-22z') +
  drawn(light, 4, 'M200 118v206') +
  [150, 190, 230, 270].map((y) => disc(light, 200, y, 5)).join('');

const coat: Motif = ({ main, dark, light }) =>
  filled(main, 'M140 56l-78 46 18 168 34-4 4 92h164l4-92 34 4 18-168-78-46-60 22z') +
  filled(dark, 'M140 56l60 130 60-130-18-8-42 20-42-20z') +
  drawn(light, 4, 'M200 186v170M130 262h44M226 262h44') +
  [214, 256, 298].map((y) => disc(light, 186, y, 6)).join('');

const scarf: Motif = ({ main, dark, light }) =>
  filled(main, 'M96 110q104-66 208 0 14 60-30 92l22 136h-70l-18-120q-60 10-96-16-30-30-16-92z') +
  filled(dark, 'M208 218q40-6 66-16l22 136h-70z') +
  drawn(light, 7, 'M100 142q100 60 200 0M118 178q84 44 164 0M238 292l52-8M242 316l52-8');

const hat: Motif = ({ main, dark, light }) =>
  disc(light, 200, 86, 30) +
  filled(main, 'M88 250q0-152 112-152t112 152z') +
  box(dark, 72, 240, 256, 62, 26) +
  drawn(light, 6, 'M120 254v34M160 254v34M200 254v34M240 254v34M280 254v34');

const teaSet: Motif = ({ main, dark, light }) =>
  filled(main, 'M92 196q0-54 92-54t92 54q0 92-92 92t-92-92z') +
  drawn(main, 22, 'M266 196q44-6 60-56') +
  drawn(main, 16, 'M96 180q-56 0-44 50 10 34 58 26') +
  box(dark, 140, 124, 88, 18, 9) +
  disc(dark, 184, 112, 13) +
  filled(light, 'M258 250h92q0 56-46 56t-46-56zM40 262h76q0 46-38 46t-38-46z') +
  box(dark, 30, 308, 340, 12, 6);

const cup: Motif = ({ main, dark, light }) =>
  drawn(main, 22, 'M268 172h18q42 0 42 38t-42 38h-24') +
  filled(main, 'M104 146h176v74q0 86-88 86t-88-86z') +
  `<ellipse cx="192" cy="146" rx="88" ry="20" fill="${dark}"/>` +
  `<ellipse cx="192" cy="322" rx="124" ry="14" fill="${light}"/>` +
  drawn(light, 8, 'M160 106q-16-24 0-44M196 106q-16-24 0-44M232 106q-16-24 0-44');

const pan: Motif = ({ main, dark, light }) =>
  drawn(dark, 30, 'M262 252l92 88') +
  disc(main, 176, 172, 128) +
  disc(dark, 176, 172, 104) +
  drawn(light, 8, 'M104 150q20-54 76-60');

const knife: Motif = ({ main, dark, light }) =>
  filled(light, 'M44 214q120-86 226-88v84z') +
  filled('#fff', 'M44 214q120-40 226-40v36z') +
  box(main, 266, 122, 112, 62, 20) +
  [292, 322, 352].map((x) => disc(dark, x, 153, 7)).join('');

const blanket: Motif = ({ main, dark, light }) =>
  box(dark, 78, 232, 244, 78, 30) +
  box(main, 70, 166, 260, 82, 32) +
  box(light, 84, 108, 232, 72, 30) +
  drawn(main, 6, 'M110 132h180M110 154h180') +
  drawn(light, 6, 'M104 196h192M104 218h192');

const cushion: Motif = ({ main, dark, light }) =>
  filled(
    main,
    'M78 92q122 30 244 0 26-4 22 22-30 86 0 172 4 26-22 22-122-30-244 0-26 4-22-22 30-86 0-172-4-26 22-22z',
  ) +
  drawn(light, 6, 'M112 130q88 20 176 0-20 70 0 140-88-20-176 0 20-70 0-140z') +
  disc(dark, 200, 200, 14);

const leaves: Motif = () =>
  filled('hsl(96 36% 42%)', 'M200 336q-130-90-90-252 120 62 90 252z') +
  filled('hsl(112 34% 30%)', 'M200 336q-20-160 116-206 16 142-116 206z') +
  filled('hsl(84 42% 58%)', 'M196 340q-110-10-142-106 102-6 142 106z') +
  drawn('hsl(84 42% 66%)', 5, 'M200 336q-30-120-76-212M204 330q34-96 98-176');

const jar: Motif = ({ main, dark, light }) =>
  box(dark, 116, 72, 168, 48, 14) +
  filled(light, 'M124 120h152q40 20 40 66v106q0 36-36 36H120q-36 0-36-36V186q0-46 40-66z') +
  filled(main, 'M84 204h232v88q0 36-36 36H120q-36 0-36-36z') +
  box('#fff', 130, 222, 140, 64, 10) +
  drawn(dark, 6, 'M152 246h96M168 264h64');

const headphones: Motif = ({ main, dark, light }) =>
  drawn(dark, 22, 'M88 232q0-150 112-150t112 150') +
  box(main, 54, 206, 82, 118, 36) +
  box(main, 264, 206, 82, 118, 36) +
  box(light, 112, 220, 26, 90, 13) +
  box(light, 262, 220, 26, 90, 13);

const speaker: Motif = ({ main, dark, light }) =>
  box(main, 106, 46, 188, 300, 26) +
  disc(dark, 200, 236, 72) +
  disc(light, 200, 236, 42) +
  disc(dark, 200, 236, 14) +
  disc(dark, 200, 112, 38) +
  disc(light, 200, 112, 16);

const keyboard: Motif = ({ main, dark, light }) =>
  box(dark, 28, 126, 344, 156, 22) +
  [0, 1, 2]
    .flatMap((row) =>
      Array.from({ length: 9 }, (_, column) =>
        box((row + column) % 7 === 3 ? main : light, 44 + column * 35.5, 144 + row * 34, 29, 27, 6),
      ),
    )
    .join('') +
  box(main, 44, 246, 60, 22, 6) +
  box(light, 112, 246, 176, 22, 6) +
  box(main, 296, 246, 60, 22, 6);

const lamp: Motif = ({ main, dark, light }) =>
  filled(light, 'M196 158L92 316h190z') +
  drawn(dark, 14, 'M292 328L318 204 226 116') +
  filled(main, 'M232 82l-108 70 20 36 124-52z') +
  disc(dark, 318, 204, 13) +
  box(main, 234, 318, 120, 24, 12);

const tent: Motif = ({ main, dark, light }) =>
  filled(main, 'M200 78L364 312H36z') +
  filled(dark, 'M200 78l62 234H138z') +
  filled(light, 'M200 126l34 186h-68z') +
  drawn(dark, 6, 'M364 312l26 16M36 312l-26 16M200 78V58');

const lantern: Motif = ({ main, dark, light }) =>
  disc('hsl(46 100% 78%)', 200, 214, 104) +
  drawn(dark, 12, 'M140 116q0-64 60-64t60 64') +
  box(main, 128, 112, 144, 36, 12) +
  box(light, 146, 148, 108, 126, 10) +
  disc('hsl(46 100% 64%)', 200, 212, 28) +
  box(main, 120, 272, 160, 50, 16);

const backpack: Motif = ({ main, dark, light }) =>
  drawn(dark, 16, 'M160 82q0-38 40-38t40 38') +
  filled(dark, 'M92 180q-34 20-26 96l32 10zM308 180q34 20 26 96l-32 10z') +
  filled(main, 'M92 160q0-84 108-84t108 84v152q0 34-34 34H126q-34 0-34-34z') +
  box(dark, 122, 222, 156, 100, 20) +
  drawn(light, 6, 'M126 174h148M144 250h112') +
  box(light, 188, 244, 24, 30, 8);

const suitcase: Motif = ({ main, dark, light }) =>
  drawn(dark, 12, 'M158 98V42h84v56') +
  box(main, 98, 94, 204, 244, 28) +
  drawn(dark, 8, 'M146 110v212M182 110v212M218 110v212M254 110v212') +
  box(light, 162, 176, 76, 42, 10) +
  disc(dark, 132, 350, 14) +
  disc(dark, 268, 350, 14);

const sign: Motif = ({ main, dark, light }) =>
  disc(main, 200, 200, 140) +
  drawn(light, 7, 'M200 76a124 124 0 1 0 .1 0z') +
  filled(light, 'M200 112l26 62 66 6-50 44 16 66-58-36-58 36 16-66-50-44 66-6z') +
  disc(dark, 200, 206, 26);

const pattern: Motif = ({ main, dark, light }) =>
  [0, 1, 2]
    .flatMap((row) =>
      [0, 1, 2].map((column) =>
        disc([main, dark, light][(row + column) % 3] as string, 100 + column * 100, 100 + row * 100, 44),
      ),
    )
    .join('');

/** Words as whole parts of a name; the first that fits wins. */
const motifs: readonly [words: RegExp, motif: Motif][] = (
  [
    ['^brand', sign],
    ['boots', boot],
    ['sandals|slippers', sandal],
    ['shoes|sneakers', shoe],
    ['coat|parka|jacket', coat],
    ['shirt|overshirt', shirt],
    ['scarf|shawl', scarf],
    ['hat|beanie', hat],
    ['tea-set|teapot', teaSet],
    ['cup|mug', cup],
    ['pan|wok', pan],
    ['knife|cleaver', knife],
    ['blanket|throw', blanket],
    ['cushion', cushion],
    ['honey|pepper|flakes|blend', jar],
    ['headphones|earbuds', headphones],
    ['speaker', speaker],
    ['keyboard|pad', keyboard],
    ['desk-lamp|reading-lamp', lamp],
    ['tent|tarp', tent],
    ['lantern|headlamp', lantern],
    ['backpack|daypack', backpack],
    ['suitcase|carry-on', suitcase],
    ['tea', leaves],
  ] as const
).map(([words, motif]) => [new RegExp(`(?<![a-z])(?:${words})(?![a-z])`), motif]);
