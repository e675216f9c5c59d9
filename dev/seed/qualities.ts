/** Text in the two languages of the demo. */
export interface Bilingual {
  en: string;
  zh: string;
}

export type Language = keyof Bilingual;

/** What makes a product special: a word for its title and a sentence for its description, in both languages. */
export const qualities = {
  adjustable: quality(
    ['Adjustable', 'Turns, tilts and stays where you leave it.'],
    ['可调节', '多角度自由调节，随停随稳。'],
  ),
  aged: quality(['Aged', 'Rested for years until nothing sharp is left.'], ['陈年', '经年存放，滋味醇厚回甘。']),
  backlit: quality(['Backlit', 'A quiet light finds the way in the dark.'], ['背光', '柔和背光，夜间使用也清晰。']),
  breathable: quality(
    ['Breathable', 'Air moves through freely, even on warm days.'],
    ['透气', '透气排汗，炎炎夏日也清爽。'],
  ),
  canvas: quality(
    ['Canvas', 'Heavy cotton canvas that looks better every year.'],
    ['帆布', '厚实帆布，越用越有味道。'],
  ),
  carbonSteel: quality(
    ['Carbon-Steel', 'Darkens with use, and is the better for it.'],
    ['碳钢', '越用越顺手，自带岁月光泽。'],
  ),
  cashmere: quality(
    ['Cashmere', 'Combed from the undercoat by hand, once a year.'],
    ['羊绒', '精选山羊绒，轻软如云。'],
  ),
  castIron: quality(
    ['Cast-Iron', 'Heavy, patient, and good for three generations.'],
    ['铸铁', '铸铁一体成型，蓄热持久。'],
  ),
  celadon: quality(
    ['Celadon', 'The glaze has the green of water under trees.'],
    ['青瓷', '釉色青翠温润，如雨过天青。'],
  ),
  classic: quality(
    ['Classic', 'A shape that was right fifty years ago and still is.'],
    ['经典', '经典版型，百搭耐看。'],
  ),
  clay: quality(
    ['Yixing Clay', 'Unglazed clay that remembers the tea it has seen.'],
    ['紫砂', '宜兴原矿紫砂，泡茶不夺香。'],
  ),
  compact: quality(['Compact', 'Takes little room and leaves nothing out.'], ['小巧', '小巧不占地方，功能样样齐全。']),
  cotton: quality(['Cotton', 'Long-staple cotton, spun fine and woven dense.'], ['纯棉', '长绒棉织造，亲肤舒适。']),
  cushioned: quality(['Cushioned', 'A springy midsole softens every step.'], ['缓震', '高回弹中底，步步柔软护膝。']),
  damascus: quality(
    ['Damascus-Steel', 'Sixty-seven layers, one edge.'],
    ['大马士革钢', '六十七层折叠锻打，锋利持久。'],
  ),
  dimmable: quality(
    ['Dimmable', 'From candlelight to full daylight without a step.'],
    ['可调光', '无级调光，从烛光到日光随心切换。'],
  ),
  embroidered: quality(
    ['Embroidered', 'Small flowers, stitched one thread at a time.'],
    ['刺绣', '精致刺绣，一针一线皆见功夫。'],
  ),
  everyday: quality(
    ['Everyday', 'Made for the things you do without thinking about them.'],
    ['百搭', '日常百搭，通勤休闲两相宜。'],
  ),
  expandable: quality(
    ['Expandable', 'One zip, and there is room for what you bought on the way.'],
    ['可扩展', '拉开扩展层，轻松多装四分之一。'],
  ),
  family: quality(['Family', 'Room for everybody, and for the dog.'], ['家庭', '空间宽敞，一家人其乐融融。']),
  foldable: quality(
    ['Foldable', 'Folds flat in seconds and fits where it should.'],
    ['折叠', '轻松折叠，收纳携带都方便。'],
  ),
  fourSeason: quality(
    ['Four-Season', 'Stands through snow as well as through July.'],
    ['四季', '四季通用，风雪无惧。'],
  ),
  glass: quality(['Glass', 'Clear borosilicate glass that takes boiling water.'], ['玻璃', '高硼硅玻璃，耐热通透。']),
  handmade: quality(
    ['Handmade', 'Finished by hand, so no two are quite alike.'],
    ['手工', '匠人手工制作，件件独一无二。'],
  ),
  handPainted: quality(
    ['Hand-Painted', 'Painted freehand with three brushes and a steady breath.'],
    ['手绘', '纯手工彩绘，笔触生动。'],
  ),
  hardShell: quality(
    ['Hard-Shell', 'A shell that has been thrown down stairs, on purpose.'],
    ['硬壳', '硬壳箱体，抗摔耐压。'],
  ),
  highMountain: quality(
    ['High-Mountain', 'Grown above a thousand metres, where the mist stays until noon.'],
    ['高山', '海拔千米云雾茶园，鲜爽甘醇。'],
  ),
  leather: quality(
    ['Leather', 'Full-grain leather, tanned with bark and time.'],
    ['真皮', '头层牛皮，质感柔韧，越用越有光泽。'],
  ),
  lightweight: quality(
    ['Lightweight', 'So light that you forget you have it with you.'],
    ['轻量', '轻到几乎感觉不到重量。'],
  ),
  linen: quality(['Linen', 'Flax from the coast, washed until it falls softly.'], ['亚麻', '天然亚麻，凉爽吸湿。']),
  mechanical: quality(
    ['Mechanical', 'Every key has a switch of its own, and you can hear it.'],
    ['机械', '独立轴体，手感清脆利落。'],
  ),
  merino: quality(
    ['Merino', 'Fine merino that warms without itching.'],
    ['美利奴羊毛', '细支美利奴羊毛，保暖不扎人。'],
  ),
  noiseCancelling: quality(
    ['Noise-Cancelling', 'The train is still there; you just no longer hear it.'],
    ['降噪', '主动降噪，瞬间安静。'],
  ),
  nonStick: quality(
    ['Non-Stick', 'Eggs slide, pancakes turn, washing up is brief.'],
    ['不粘', '不粘涂层，少油烟易清洗。'],
  ),
  organic: quality(['Organic', 'Grown without pesticides, and certified.'], ['有机', '有机认证，不施农药，安心之选。']),
  oversized: quality(
    ['Oversized', 'Cut wide, so that there is room for a day at home.'],
    ['宽松', '宽松剪裁，自在不拘束。'],
  ),
  porcelain: quality(['Porcelain', 'Thin enough to let the light through.'], ['白瓷', '胎薄釉润，洁白透光。']),
  portable: quality(
    ['Portable', 'Goes where you go, and lasts until you are back.'],
    ['便携', '随身携带，续航一整天。'],
  ),
  quickDry: quality(['Quick-Dry', 'Wet at noon, dry by one.'], ['速干', '速干面料，出汗不粘身。']),
  quilted: quality(
    ['Quilted', 'Stitched in small squares, so the filling stays put.'],
    ['绗缝', '立体绗缝，蓬松不跑绒。'],
  ),
  raw: quality(['Raw', 'Never heated, only sieved.'], ['天然', '未经加热，原汁原味。']),
  rechargeable: quality(
    ['Rechargeable', 'One cable, two hours, a week of use.'],
    ['充电式', '充电两小时，可用一星期。'],
  ),
  recycled: quality(
    ['Recycled', 'Made from things that have had a life before.'],
    ['再生', '采用再生材料，为地球减负。'],
  ),
  retro: quality(['Retro', 'Looks like the summer of 1978.'], ['复古', '复古配色，怎么搭都好看。']),
  roasted: quality(['Roasted', 'Roasted slowly over charcoal and left to rest.'], ['炭焙', '传统炭火慢焙，香气沉稳。']),
  rollTop: quality(
    ['Roll-Top', 'Roll it down when it is empty and up when it is not.'],
    ['卷口', '卷口设计，容量随心变化。'],
  ),
  silk: quality(['Silk', 'Mulberry silk with a weight you notice.'], ['丝绸', '桑蚕丝面料，光泽细腻，触感柔滑。']),
  singleOrigin: quality(
    ['Single-Origin', 'From one valley, and you can ask which.'],
    ['原产地', '单一产地直采，来源可查。'],
  ),
  slim: quality(['Slim-Fit', 'Close to the body, with a little room to breathe.'], ['修身', '修身版型，利落有型。']),
  smoked: quality(['Smoked', 'Smoked over beech for a night and a day.'], ['烟熏', '果木慢熏，风味浓郁。']),
  soft: quality(['Soft', 'Soft from the first day, softer every month.'], ['柔软', '柔软亲肤，久穿不累。']),
  solar: quality(
    ['Solar', 'Lies in the sun all day and pays it back at night.'],
    ['太阳能', '白天晒太阳，夜里亮整晚。'],
  ),
  springPicked: quality(
    ['Spring-Picked', 'Only the first leaves, picked before the rains of April.'],
    ['明前', '清明前采摘，一芽一叶，嫩香持久。'],
  ),
  stainless: quality(
    ['Stainless-Steel', 'Three layers of steel, even heat, no fuss.'],
    ['不锈钢', '三层复合钢，受热均匀。'],
  ),
  stoneware: quality(
    ['Stoneware', 'Fired hot and glazed in the colours of a field.'],
    ['粗陶', '高温烧制，质朴有温度。'],
  ),
  striped: quality(['Striped', 'Stripes of two widths, as sailors had them.'], ['条纹', '经典条纹，清爽有型。']),
  studio: quality(
    ['Studio', 'Tuned flat, for people who listen for a living.'],
    ['录音室', '监听级调音，还原真实声音。'],
  ),
  trail: quality(
    ['Trail', 'A deep tread holds on mud, gravel and wet leaves.'],
    ['越野', '深齿大底，泥地碎石都抓得牢。'],
  ),
  travel: quality(['Travel', 'Packs into a case no bigger than a book.'], ['旅行', '附收纳包，出门也能好好喝茶。']),
  twoPerson: quality(
    ['Two-Person', 'Sleeps two, and they still talk in the morning.'],
    ['双人', '双人空间，前厅可放背包。'],
  ),
  ultralight: quality(['Ultralight', 'Every gram was argued about.'], ['超轻', '克克计较，徒步长线也不累。']),
  velvet: quality(['Velvet', 'Dense velvet with a colour that changes as you pass.'], ['丝绒', '细密丝绒，光影流动。']),
  walnut: quality(['Walnut', 'Solid walnut, oiled and not varnished.'], ['胡桃木', '实木打造，木纹天然。']),
  warm: quality(['Warm', 'For the mornings when the windows are white.'], ['保暖', '加厚保暖，寒冬也从容。']),
  waterproof: quality(['Waterproof', 'Sealed seams keep the rain outside.'], ['防水', '防水设计，雨天也不怕。']),
  wild: quality(['Wild', 'Gathered where nobody planted it.'], ['野生', '深山采集，天生天养。']),
  windproof: quality(['Windproof', 'The wind goes round it.'], ['防风', '防风面料，冷风不入侵。']),
  wireless: quality(['Wireless', 'Connects before you have sat down.'], ['无线', '开盖即连，稳定不断线。']),
  woven: quality(
    ['Hand-Woven', 'Woven on wooden looms in a village with nine of them.'],
    ['手织', '传统木机手工织造，纹理自然。'],
  ),
} as const satisfies Record<string, Quality>;

export type QualityName = keyof typeof qualities;

export interface Quality {
  word: Bilingual;
  sentence: Bilingual;
}

function quality([enWord, enSentence]: [string, string], [zhWord, zhSentence]: [string, string]): Quality {
  return { word: { en: enWord, zh: zhWord }, sentence: { en: enSentence, zh: zhSentence } };
}
