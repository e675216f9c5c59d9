/** Product lines: their names begin the titles. */
export const englishLines = [
  'Alba Aria Atlas Birch Boreal Brook Calla Cedar Cielo Cove Dune Elba Ember Fable Fjord Flint',
  'Gale Grove Harbour Hazel Heron Indigo Iris Juno Kite Lago Linden Luna Maple Marlow Meadow Mistral',
  'Nova Oak Onda Opal Otter Pine Quarry Reed Rowan Sable Solis Sparrow Tidal Vale Willow Zephyr',
].flatMap((names) => names.split(' '));

/** Chinese ones, each with its spelling for URLs. */
export const chineseLines = [
  '云影 yunying, 清风 qingfeng, 山岚 shanlan, 听雨 tingyu, 竹语 zhuyu, 松间 songjian, 晨曦 chenxi, 暮色 muse',
  '星河 xinghe, 月白 yuebai, 青黛 qingdai, 烟雨 yanyu, 流光 liuguang, 初雪 chuxue, 远山 yuanshan, 溪石 xishi',
  '半夏 banxia, 秋水 qiushui, 长歌 changge, 锦书 jinshu, 素心 suxin, 拾光 shiguang, 知夏 zhixia, 望舒 wangshu',
  '归鸿 guihong, 云舒 yunshu, 沐风 mufeng, 观澜 guanlan, 寻梅 xunmei, 闲庭 xianting, 漫野 manye',
].flatMap((names) => names.split(', ').map((name) => name.split(' ') as [name: string, spelling: string]));

export interface DemoBrand {
  slug: string;
  name: string;
  /** Slugs of the departments it makes things for. */
  departments: readonly string[];
  /** The language its products speak. */
  language: 'en' | 'zh';
}

export const brands: readonly DemoBrand[] = [
  brand('Aldermoor', 'en', 'shoes', 'clothing'),
  brand('Bellwether & Co', 'en', 'clothing'),
  brand('Caravel & Sons', 'en', 'outdoor', 'clothing'),
  brand('Dunmarsh', 'en', 'shoes', 'outdoor'),
  brand('Estrella Norte', 'en', 'home', 'pantry'),
  brand('Fernhill', 'en', 'home'),
  brand('Gull & Anchor', 'en', 'clothing', 'outdoor'),
  brand('Halden Works', 'en', 'electronics'),
  brand('Isla Verde', 'en', 'pantry'),
  brand('Juniper Lane', 'en', 'home', 'pantry'),
  brand('Kestrel Row', 'en', 'shoes'),
  brand('Larkfield', 'en', 'clothing', 'home'),
  brand('Morrow & Finch', 'en', 'electronics', 'home'),
  brand('Nordhavn', 'en', 'outdoor', 'clothing'),
  brand('Oakrest', 'en', 'home'),
  brand('Pellworth', 'en', 'shoes', 'outdoor'),
  brand('Quillon', 'en', 'electronics'),
  brand('Saltmarsh', 'en', 'pantry', 'home'),
  brand('Tamarind House', 'en', 'pantry'),
  brand('云步 Yunbu', 'zh', 'shoes'),
  brand('山行 Shanxing', 'zh', 'outdoor', 'shoes'),
  brand('清和 Qinghe', 'zh', 'pantry', 'home'),
  brand('锦年 Jinnian', 'zh', 'clothing'),
  brand('素舍 Sushe', 'zh', 'home', 'clothing'),
  brand('听澜 Tinglan', 'zh', 'electronics'),
  brand('墨案 Moan', 'zh', 'electronics', 'home'),
  brand('禾田 Hetian', 'zh', 'pantry'),
  brand('归途 Guitu', 'zh', 'outdoor'),
  brand('暖冬 Nuandong', 'zh', 'clothing', 'shoes'),
  brand('瓷间 Cijian', 'zh', 'home'),
];

function brand(name: string, language: DemoBrand['language'], ...departments: string[]): DemoBrand {
  return { slug: slugOf(name), name, language, departments };
}

/** The Latin words of a name, for a URL. */
export function slugOf(name: string): string {
  return (
    name
      .toLowerCase()
      .replaceAll("'", '')
      .match(/[a-z0-9]+/g) ?? []
  ).join('-');
}
