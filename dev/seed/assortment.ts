import { slugOf } from './names.ts';
import type { Bilingual, QualityName } from './qualities.ts';

/** One sort of thing the demo sells: a leaf of the category tree, with all that its products are composed of. */
export interface Kind {
  slug: string;
  name: string;
  /** Article numbers begin with it. */
  code: string;
  nouns: readonly Bilingual[];
  /** How a description may begin. */
  openings: readonly Bilingual[];
  qualities: readonly QualityName[];
  sizes: SizeName | null;
  hasColours: boolean;
  /** The sizes for children, where something is made for women, men and children separately. */
  kidsSizes: SizeName | null;
  /** Lowest and highest usual price in whole euros. */
  euros: readonly [lowest: number, highest: number];
  tags: readonly Bilingual[];
}

export interface Group {
  slug: string;
  name: string;
  kinds: readonly Kind[];
}

export interface Department {
  slug: string;
  name: string;
  groups: readonly Group[];
}

/** What is chosen beside the colour, in steps that may cost more. */
export const sizes = {
  shoe: option('Size', '尺码', ['38', '39', '40', '41', '42', '43', '44']),
  kidsShoe: option('Size', '尺码', ['28', '29', '30', '31', '32', '33', '34']),
  garment: option('Size', '尺码', ['XS', 'S', 'M', 'L', 'XL']),
  kidsGarment: option('Size', '身高', ['104', '116', '128', '140', '152']),
  cover: option('Size', '尺寸', ['130 × 170 cm', '150 × 200 cm', '200 × 230 cm'], undefined, [100, 125, 160]),
  teaWeight: option('Weight', '规格', ['50 g', '100 g', '250 g'], ['50克', '100克', '250克'], [100, 180, 400]),
  jarWeight: option('Weight', '规格', ['250 g', '500 g', '1 kg'], ['250克', '500克', '1000克'], [100, 185, 340]),
  pieces: option('Set', '套装', ['4 pieces', '6 pieces', '8 pieces'], ['四件套', '六件套', '八件套'], [100, 135, 165]),
  volume: option('Volume', '容量', ['250 ml', '400 ml', '600 ml'], ['250毫升', '400毫升', '600毫升'], [100, 120, 145]),
  diameter: option('Diameter', '直径', ['24 cm', '28 cm', '32 cm'], ['24厘米', '28厘米', '32厘米'], [100, 120, 140]),
  blade: option('Blade', '刃长', ['16 cm', '18 cm', '21 cm'], ['16厘米', '18厘米', '21厘米'], [100, 115, 135]),
  switches: option(
    'Switches',
    '轴体',
    ['Linear', 'Tactile', 'Silent'],
    ['线性轴', '段落轴', '静音轴'],
    [100, 100, 112],
  ),
  litres: option('Volume', '容量', ['18 l', '25 l', '38 l'], ['18升', '25升', '38升'], [100, 120, 145]),
} as const satisfies Record<string, SizeOption>;

export type SizeName = keyof typeof sizes;

export interface SizeOption {
  name: Bilingual;
  values: readonly { label: Bilingual; percentOfPrice: number }[];
}

export const colourOption: Bilingual = { en: 'Colour', zh: '颜色' };

export const colours: readonly Bilingual[] = [
  { en: 'Black', zh: '黑色' },
  { en: 'White', zh: '白色' },
  { en: 'Navy', zh: '藏青' },
  { en: 'Sand', zh: '沙色' },
  { en: 'Olive', zh: '橄榄绿' },
  { en: 'Rust', zh: '铁锈红' },
  { en: 'Sky Blue', zh: '天蓝' },
  { en: 'Charcoal', zh: '炭灰' },
  { en: 'Cream', zh: '米白' },
  { en: 'Forest Green', zh: '墨绿' },
  { en: 'Plum', zh: '紫梅' },
  { en: 'Mustard', zh: '姜黄' },
];

/** For whom something to wear is made. */
export interface Audience {
  title: Bilingual;
  tag: Bilingual;
  isForKids: boolean;
}

export const audiences: readonly Audience[] = [
  { title: { en: 'for Women', zh: '女款' }, tag: { en: 'women', zh: '女士' }, isForKids: false },
  { title: { en: 'for Men', zh: '男款' }, tag: { en: 'men', zh: '男士' }, isForKids: false },
  { title: { en: 'for Kids', zh: '儿童款' }, tag: { en: 'kids', zh: '儿童' }, isForKids: true },
];

export const departments: readonly Department[] = [
  department('Shoes', [
    group('Sports Shoes', [
      kind('Running Shoes', 'RUN', {
        nouns: [pair('Running Shoes', '跑步鞋'), pair('Racing Shoes', '竞速跑鞋')],
        openings: [
          pair('Running shoes for people who count mornings rather than kilometres.', '为每一个早起的跑者而做。'),
          pair('Fast enough for Sunday, kind enough for Monday.', '长距离训练与日常慢跑都能胜任。'),
        ],
        qualities: ['lightweight', 'breathable', 'cushioned', 'waterproof', 'trail', 'recycled'],
        ...worn('shoe', 'kidsShoe', [59, 159]),
        tags: [pair('running', '跑步'), pair('sport', '运动')],
      }),
      kind('Sneakers', 'SNK', {
        nouns: [pair('Sneakers', '运动鞋'), pair('Low-Top Sneakers', '低帮运动鞋'), pair('Training Shoes', '训练鞋')],
        openings: [
          pair('A pair that goes with everything you own.', '一双怎么搭都好看的鞋。'),
          pair('From the gym to the café without changing.', '从健身房到咖啡馆，不用换鞋。'),
        ],
        qualities: ['classic', 'everyday', 'breathable', 'retro', 'leather', 'canvas'],
        ...worn('shoe', 'kidsShoe', [49, 139]),
        tags: [pair('sneakers', '运动鞋'), pair('sport', '运动')],
      }),
    ]),
    group('Everyday Shoes', [
      kind('Boots', 'BOT', {
        nouns: [pair('Ankle Boots', '短靴'), pair('Hiking Boots', '登山鞋')],
        openings: [
          pair('Boots that are ready before you are.', '一年四季都值得信赖的靴子。'),
          pair('Made on a last that leaves the toes their room.', '宽楦设计，脚趾舒展不挤压。'),
        ],
        qualities: ['waterproof', 'leather', 'warm', 'classic', 'trail'],
        ...worn('shoe', 'kidsShoe', [89, 229]),
        tags: [pair('boots', '靴子'), pair('winter', '冬季')],
      }),
      kind('Sandals', 'SAN', {
        nouns: [pair('Sandals', '凉鞋'), pair('Slippers', '拖鞋')],
        openings: [
          pair('Shoes for the season without socks.', '夏天的第一双鞋。'),
          pair('Two straps, one cork bed, no hurry.', '软木鞋床，踩上去就不想脱。'),
        ],
        qualities: ['everyday', 'leather', 'soft', 'recycled', 'quickDry'],
        ...worn('shoe', 'kidsShoe', [29, 89]),
        tags: [pair('sandals', '凉鞋'), pair('summer', '夏季')],
      }),
    ]),
  ]),
  department('Clothing', [
    group('Tops', [
      kind('T-Shirts', 'TEE', {
        nouns: [pair('T-Shirt', 'T恤'), pair('Long-Sleeve T-Shirt', '长袖T恤')],
        openings: [
          pair('The shirt at the top of the pile.', '衣柜里最常穿的那一件。'),
          pair('Cut straight, sewn well, priced fairly.', '版型端正，做工扎实。'),
        ],
        qualities: ['cotton', 'organic', 'striped', 'oversized', 'merino', 'quickDry'],
        ...worn('garment', 'kidsGarment', [19, 59]),
        tags: [pair('basics', '基础款'), pair('summer', '夏季')],
      }),
      kind('Shirts', 'SHI', {
        nouns: [pair('Shirt', '衬衫'), pair('Overshirt', '衬衫外套')],
        openings: [
          pair('A shirt for the office and for what comes after.', '上班下班都得体的衬衫。'),
          pair('Mother-of-pearl buttons, a collar that stands by itself.', '贝母纽扣，挺括领型。'),
        ],
        qualities: ['linen', 'cotton', 'slim', 'striped', 'embroidered', 'silk'],
        ...worn('garment', 'kidsGarment', [39, 129]),
        tags: [pair('shirts', '衬衫'), pair('office', '通勤')],
      }),
    ]),
    group('Outerwear', [
      kind('Jackets', 'JKT', {
        nouns: [pair('Jacket', '夹克'), pair('Rain Jacket', '冲锋衣')],
        openings: [
          pair('For weather that has not made up its mind.', '春秋早晚都适合的外套。'),
          pair('Five pockets, of which one is secret.', '五个口袋，其中一个是暗袋。'),
        ],
        qualities: ['windproof', 'waterproof', 'quilted', 'lightweight', 'recycled'],
        ...worn('garment', 'kidsGarment', [69, 249]),
        tags: [pair('jackets', '外套'), pair('autumn', '秋季')],
      }),
      kind('Coats', 'COA', {
        nouns: [pair('Coat', '大衣'), pair('Parka', '派克大衣')],
        openings: [
          pair('A coat to be handed down.', '一件可以穿很多年的大衣。'),
          pair('Long enough for the bus stop in January.', '长度过膝，等车也不冷。'),
        ],
        qualities: ['cashmere', 'warm', 'oversized', 'classic', 'windproof'],
        ...worn('garment', 'kidsGarment', [119, 399]),
        tags: [pair('coats', '大衣'), pair('winter', '冬季')],
      }),
    ]),
    group('Accessories', [
      kind('Scarves', 'SCF', {
        nouns: [pair('Scarf', '围巾'), pair('Shawl', '披肩')],
        openings: [
          pair('The easiest way to look as if you had thought about it.', '一条围巾，点亮整身穿搭。'),
          pair('Square, rolled at the edges by hand.', '手工卷边，细节考究。'),
        ],
        qualities: ['silk', 'cashmere', 'merino', 'handPainted', 'woven', 'embroidered'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [29, 149],
        tags: [pair('scarves', '围巾'), pair('gifts', '送礼')],
      }),
      kind('Hats', 'HAT', {
        nouns: [pair('Beanie', '毛线帽'), pair('Bucket Hat', '渔夫帽')],
        openings: [
          pair('Keeps the head warm and the hair a secret.', '不洗头的日子就靠它。'),
          pair('One size, because heads are more alike than feet.', '均码设计，男女都能戴。'),
        ],
        qualities: ['merino', 'cotton', 'striped', 'warm', 'recycled'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [15, 49],
        tags: [pair('hats', '帽子')],
      }),
    ]),
  ]),
  department('Home', [
    group('Tea & Coffee', [
      kind('Tea Sets', 'TEA', {
        nouns: [pair('Tea Set', '茶具'), pair('Gongfu Tea Set', '功夫茶具')],
        openings: [
          pair('A pot, a pitcher, and cups for those who come by.', '一壶一海几只杯，待客自饮两相宜。'),
          pair('Everything a quiet hour needs, apart from the tea.', '偷得浮生半日闲，只差一泡好茶。'),
        ],
        qualities: ['porcelain', 'celadon', 'clay', 'glass', 'handPainted', 'travel'],
        sizes: 'pieces',
        hasColours: false,
        kidsSizes: null,
        euros: [39, 189],
        tags: [pair('tea', '茶'), pair('gifts', '送礼')],
      }),
      kind('Teapots & Cups', 'POT', {
        nouns: [pair('Teapot', '茶壶'), pair('Mug', '马克杯'), pair('Tea Cup', '茶杯')],
        openings: [
          pair('Pours without a drop beside the cup.', '出水利落，断水干脆。'),
          pair('Sits in the hand as if it had grown there.', '握感温润，日日相伴。'),
        ],
        qualities: ['clay', 'castIron', 'glass', 'porcelain', 'stoneware', 'handmade'],
        sizes: 'volume',
        hasColours: false,
        kidsSizes: null,
        euros: [14, 89],
        tags: [pair('tea', '茶'), pair('kitchen', '厨房')],
      }),
    ]),
    group('Cooking', [
      kind('Pans & Woks', 'PAN', {
        nouns: [pair('Frying Pan', '煎锅'), pair('Wok', '炒锅')],
        openings: [
          pair('One pan instead of five.', '一口好锅，煎炒都行。'),
          pair('Works on gas, induction and an open fire.', '燃气电磁炉通用，明火也没问题。'),
        ],
        qualities: ['castIron', 'nonStick', 'stainless', 'carbonSteel'],
        sizes: 'diameter',
        hasColours: false,
        kidsSizes: null,
        euros: [29, 119],
        tags: [pair('kitchen', '厨房'), pair('cooking', '烹饪')],
      }),
      kind('Knives', 'KNF', {
        nouns: [pair("Chef's Knife", '主厨刀'), pair('Cleaver', '菜刀')],
        openings: [
          pair('The one knife to own if you own one.', '家里只留一把刀，就留它。'),
          pair('Balanced at the finger, light at the tip.', '重心适中，切剁自如。'),
        ],
        qualities: ['damascus', 'stainless', 'carbonSteel', 'handmade'],
        sizes: 'blade',
        hasColours: false,
        kidsSizes: null,
        euros: [39, 179],
        tags: [pair('kitchen', '厨房'), pair('cooking', '烹饪')],
      }),
    ]),
    group('Textiles', [
      kind('Blankets', 'BLK', {
        nouns: [pair('Blanket', '毛毯'), pair('Throw', '盖毯')],
        openings: [
          pair('For two on a sofa or one who will not share.', '沙发上的小确幸。'),
          pair('Heavy enough to stay, light enough to carry to the garden.', '垂坠不闷，四季可用。'),
        ],
        qualities: ['merino', 'cashmere', 'cotton', 'woven', 'quilted'],
        sizes: 'cover',
        hasColours: true,
        kidsSizes: null,
        euros: [39, 199],
        tags: [pair('living room', '客厅'), pair('winter', '冬季')],
      }),
      kind('Cushions', 'CUS', {
        nouns: [pair('Cushion', '抱枕'), pair('Floor Cushion', '坐垫')],
        openings: [
          pair('Filled twice as much as others, and it shows.', '填充饱满，久靠不塌。'),
          pair('A small change that the whole room notices.', '换个抱枕，换个心情。'),
        ],
        qualities: ['velvet', 'linen', 'embroidered', 'woven', 'cotton'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [19, 69],
        tags: [pair('living room', '客厅')],
      }),
    ]),
  ]),
  department('Pantry', [
    group('Tea', [
      kind('Green Tea', 'GRN', {
        nouns: [pair('Green Tea', '绿茶'), pair('Jasmine Tea', '茉莉花茶')],
        openings: [
          pair('Fresh as rain, with a little chestnut at the end.', '汤色清亮，栗香回甘。'),
          pair('Three infusions, each with something else to say.', '三泡有余香，泡泡不相同。'),
        ],
        qualities: ['springPicked', 'highMountain', 'organic', 'wild'],
        sizes: 'teaWeight',
        hasColours: false,
        kidsSizes: null,
        euros: [9, 39],
        tags: [pair('tea', '茶'), pair('green tea', '绿茶')],
      }),
      kind('Oolong & Dark Tea', 'OOL', {
        nouns: [pair('Oolong Tea', '乌龙茶'), pair("Pu'er Tea", '普洱茶')],
        openings: [
          pair('Deep, warm and patient: the tea for long evenings.', '汤浓味厚，适合慢慢喝。'),
          pair('Opens slowly, like the people who drink it.', '叶底肥厚，耐泡有余韵。'),
        ],
        qualities: ['roasted', 'aged', 'highMountain', 'wild', 'organic'],
        sizes: 'teaWeight',
        hasColours: false,
        kidsSizes: null,
        euros: [12, 59],
        tags: [pair('tea', '茶'), pair('oolong', '乌龙')],
      }),
    ]),
    group('Spices & Honey', [
      kind('Spices', 'SPI', {
        nouns: [
          pair('Sichuan Pepper', '四川花椒'),
          pair('Chilli Flakes', '辣椒碎'),
          pair('Five-Spice Blend', '五香粉'),
        ],
        openings: [
          pair('A pinch is enough; two are better.', '一小撮，满锅香。'),
          pair('Sealed within a week of the harvest.', '当季采收，新鲜封装。'),
        ],
        qualities: ['organic', 'roasted', 'wild', 'smoked', 'singleOrigin'],
        sizes: 'teaWeight',
        hasColours: false,
        kidsSizes: null,
        euros: [4, 14],
        tags: [pair('spices', '香料'), pair('cooking', '烹饪')],
      }),
      kind('Honey', 'HNY', {
        nouns: [pair('Honey', '蜂蜜'), pair('Linden Honey', '椴树蜜')],
        openings: [
          pair('From hives that are moved after the blossom.', '蜂农追花而行，一季一蜜。'),
          pair('Turns to cream in winter, as honey should.', '低温结晶，纯正好蜜。'),
        ],
        qualities: ['raw', 'organic', 'wild', 'singleOrigin'],
        sizes: 'jarWeight',
        hasColours: false,
        kidsSizes: null,
        euros: [6, 19],
        tags: [pair('honey', '蜂蜜'), pair('breakfast', '早餐')],
      }),
    ]),
  ]),
  department('Electronics', [
    group('Audio', [
      kind('Headphones', 'HPH', {
        nouns: [pair('Headphones', '头戴式耳机'), pair('Earbuds', '入耳式耳机')],
        openings: [
          pair('Hear what the singer breathes.', '连歌手的呼吸都听得见。'),
          pair('Thirty hours of music, ten minutes of charging.', '三十小时续航，快充十分钟。'),
        ],
        qualities: ['wireless', 'noiseCancelling', 'studio', 'lightweight', 'compact'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [39, 299],
        tags: [pair('audio', '音频'), pair('music', '音乐')],
      }),
      kind('Speakers', 'SPK', {
        nouns: [pair('Speaker', '音箱'), pair('Bookshelf Speaker', '书架音箱')],
        openings: [
          pair('Small enough for the shelf, large enough for the room.', '小身材，大声场。'),
          pair('A warm voice that does not tire.', '声音温暖，久听不累。'),
        ],
        qualities: ['wireless', 'portable', 'walnut', 'rechargeable', 'compact'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [49, 349],
        tags: [pair('audio', '音频'), pair('music', '音乐')],
      }),
    ]),
    group('Desk', [
      kind('Keyboards', 'KEY', {
        nouns: [pair('Keyboard', '键盘'), pair('Number Pad', '数字小键盘')],
        openings: [
          pair('For everybody who writes more than they say.', '写给文字工作者的键盘。'),
          pair('Hot-swappable switches, keycaps that will not shine.', '热插拔轴座，键帽不打油。'),
        ],
        qualities: ['mechanical', 'wireless', 'compact', 'backlit', 'walnut'],
        sizes: 'switches',
        hasColours: true,
        kidsSizes: null,
        euros: [39, 199],
        tags: [pair('desk', '桌面'), pair('office', '办公')],
      }),
      kind('Desk Lamps', 'LMP', {
        nouns: [pair('Desk Lamp', '台灯'), pair('Reading Lamp', '阅读灯')],
        openings: [
          pair('Light where you read, and nowhere else.', '专注阅读的一束光。'),
          pair('No flicker, no glare, no remote control.', '无频闪，不刺眼。'),
        ],
        qualities: ['dimmable', 'adjustable', 'rechargeable', 'walnut', 'foldable'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [29, 149],
        tags: [pair('desk', '桌面'), pair('light', '照明')],
      }),
    ]),
  ]),
  department('Outdoor', [
    group('Camping', [
      kind('Tents', 'TNT', {
        nouns: [pair('Tent', '帐篷'), pair('Tarp', '天幕')],
        openings: [
          pair('Up in four minutes, even in the dark.', '四分钟搭好，天黑也不慌。'),
          pair('A house for the weekend.', '周末的家，说走就走。'),
        ],
        qualities: ['twoPerson', 'family', 'ultralight', 'fourSeason', 'waterproof'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [79, 449],
        tags: [pair('camping', '露营'), pair('outdoor', '户外')],
      }),
      kind('Lanterns', 'LAN', {
        nouns: [pair('Lantern', '营地灯'), pair('Headlamp', '头灯')],
        openings: [
          pair('Finds the path, the tent peg and the last biscuit.', '营地夜晚的一点暖光。'),
          pair('Warm light that moths ignore.', '暖黄光线，不招飞虫。'),
        ],
        qualities: ['rechargeable', 'solar', 'dimmable', 'foldable', 'compact'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [15, 79],
        tags: [pair('camping', '露营'), pair('light', '照明')],
      }),
    ]),
    group('Bags', [
      kind('Backpacks', 'BAG', {
        nouns: [pair('Backpack', '双肩包'), pair('Daypack', '登山包')],
        openings: [
          pair('Carries a week as easily as a lunch.', '装得下一星期，也装得下一顿午餐。'),
          pair('Straps that forget nothing and pinch nowhere.', '背负轻松，肩带不勒。'),
        ],
        qualities: ['canvas', 'rollTop', 'waterproof', 'lightweight', 'leather', 'recycled'],
        sizes: 'litres',
        hasColours: true,
        kidsSizes: null,
        euros: [49, 189],
        tags: [pair('bags', '包'), pair('travel', '旅行')],
      }),
      kind('Suitcases', 'SUI', {
        nouns: [pair('Suitcase', '行李箱'), pair('Carry-On', '登机箱')],
        openings: [
          pair('Rolls beside you like a well-bred dog.', '静音万向轮，推着走不费力。'),
          pair('Fits above the seat and under the bed.', '登机随身带，回家好收纳。'),
        ],
        qualities: ['hardShell', 'expandable', 'lightweight', 'compact', 'recycled'],
        sizes: null,
        hasColours: true,
        kidsSizes: null,
        euros: [79, 289],
        tags: [pair('travel', '旅行')],
      }),
    ]),
  ]),
];

/** Every kind with the department it belongs to, in the order of the tree. */
export const kinds = departments.flatMap((department) =>
  department.groups.flatMap((group) => group.kinds.map((kind) => ({ kind, department }))),
);

function department(name: string, groups: Group[]): Department {
  return { slug: slugOf(name), name, groups };
}

function group(name: string, kinds: Kind[]): Group {
  return { slug: slugOf(name), name, kinds };
}

function kind(name: string, code: string, rest: Omit<Kind, 'name' | 'slug' | 'code'>): Kind {
  return { slug: slugOf(name), name, code, ...rest };
}

function worn(
  sizes: SizeName,
  kidsSizes: SizeName,
  euros: Kind['euros'],
): Pick<Kind, 'sizes' | 'hasColours' | 'kidsSizes' | 'euros'> {
  return { sizes, hasColours: true, kidsSizes, euros };
}

function pair(en: string, zh: string): Bilingual {
  return { en, zh };
}

function option(
  en: string,
  zh: string,
  values: string[],
  chineseValues: string[] = values,
  percentsOfPrice: number[] = [],
): SizeOption {
  return {
    name: { en, zh },
    values: values.map((value, position) => ({
      label: { en: value, zh: chineseValues[position] ?? value },
      percentOfPrice: percentsOfPrice[position] ?? 100,
    })),
  };
}
