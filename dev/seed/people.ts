import { demoAccounts } from '../demo-accounts.ts';
import { demoId } from './demo-id.ts';
import { after, DAY_MS, HOUR_MS, OPENING_DAY } from './demo-time.ts';
import { randomFor } from './random.ts';

export interface DemoPerson {
  id: string;
  email: string;
  displayName: string;
  locale: string;
  roles: Exclude<(typeof demoAccounts)[number]['role'], 'CUSTOMER'>[];
  /** The first one is the default. */
  addresses: DemoAddress[];
  createdAt: Date;
}

export interface DemoAddress {
  id: string;
  recipient: string;
  phone: string | null;
  line1: string;
  line2: string | null;
  city: string;
  region: string | null;
  postalCode: string | null;
  countryCode: string;
}

/** The accounts of the demo: one for each role, as `npm start` shows them. */
export const staff: readonly DemoPerson[] = demoAccounts
  .filter(({ role }) => role !== 'CUSTOMER')
  .map(({ email, role }, index) => {
    const createdAt = after(OPENING_DAY, index * HOUR_MS);
    const name = role.split('_').map((word) => word[0] + word.slice(1).toLowerCase());
    return {
      id: demoId('User', createdAt, email),
      email,
      displayName: name.join(' '),
      locale: 'en',
      roles: [role],
      addresses: [],
      createdAt,
    } as DemoPerson;
  });

/** Who shops here, the customer that `npm start` shows first: name | e-mail | language | country | one or two addresses (street, postal code, town). */
const register = `
Noor Haddad | customer@souk.example | en | NL | Bloemgracht 84, 1015 TM, Amsterdam | Oudegracht 112, 3511 AX, Utrecht
Ingrid Solberg | ingrid.solberg@people.example | nb | NO | Thorvald Meyers gate 12, 0555, Oslo
Matteo Ricci | matteo.ricci@people.example | it | IT | Via dei Banchi Vecchi 41, 00186, Roma
王小雨 | wang.xiaoyu@people.example | zh-CN | CN | 南京西路1266号, 200040, 上海市 | 文三路478号, 310013, 杭州市
Clara Neumann | clara.neumann@people.example | de | DE | Torstraße 98, 10119, Berlin | Schellingstraße 14, 80799, München
João Almeida | joao.almeida@people.example | pt | PT | Rua das Flores 77, 1200-194, Lisboa
李明轩 | li.mingxuan@people.example | zh-CN | CN | 天河路385号, 510620, 广州市
Élodie Marchand | elodie.marchand@people.example | fr | FR | 18 rue des Martyrs, 75009, Paris
Aoife Byrne | aoife.byrne@people.example | en-IE | IE | 23 Wexford Street, D02 HX93, Dublin
陈思远 | chen.siyuan@people.example | zh-CN | CN | 建国路93号, 100022, 北京市
Pablo Serrano | pablo.serrano@people.example | es | ES | Calle de Fuencarral 56, 28004, Madrid
Hanna Virtanen | hanna.virtanen@people.example | fi | FI | Fredrikinkatu 33, 00120, Helsinki
Tomasz Zieliński | tomasz.zielinski@people.example | pl | PL | ulica Mokotowska 45, 00-551, Warszawa
张雅婷 | zhang.yating@people.example | zh-CN | CN | 春熙路27号, 610021, 成都市
Freya Lindqvist | freya.lindqvist@people.example | sv | SE | Götgatan 21, 116 46, Stockholm
Jonas Hofer | jonas.hofer@people.example | de-AT | AT | Neubaugasse 52, 1070, Wien
Léa Fontaine | lea.fontaine@people.example | fr-BE | BE | Rue Antoine Dansaert 84, 1000, Bruxelles
刘子墨 | liu.zimo@people.example | zh-CN | CN | 中山路129号, 210005, 南京市
Katarína Horváthová | katarina.horvathova@people.example | sk | SK | Obchodná 19, 811 06, Bratislava
Marius Ionescu | marius.ionescu@people.example | ro | RO | Strada Lipscani 27, 030031, București
赵一凡 | zhao.yifan@people.example | zh-CN | CN | 江汉路158号, 430014, 武汉市
Sofia Papadaki | sofia.papadaki@people.example | el | GR | Ermou 44, 105 63, Athina
Luka Novak | luka.novak@people.example | sl | SI | Trubarjeva cesta 31, 1000, Ljubljana
Maja Kovačević | maja.kovacevic@people.example | hr | HR | Ilica 78, 10000, Zagreb
黄诗涵 | huang.shihan@people.example | zh-CN | CN | 湖滨南路76号, 361004, 厦门市
Peter Szabó | peter.szabo@people.example | hu | HU | Ráday utca 16, 1092, Budapest
Emma Jansen | emma.jansen@people.example | nl | NL | Witte de Withstraat 50, 3012 BR, Rotterdam
Oskar Kristensen | oskar.kristensen@people.example | da | DK | Elmegade 14, 2200, København
吴浩然 | wu.haoran@people.example | zh-CN | CN | 解放碑八一路88号, 400010, 重庆市
Anna Müller | anna.muller@people.example | de-CH | CH | Niederdorfstrasse 30, 8001, Zürich
Isabel Moreno | isabel.moreno@people.example | es | ES | Carrer de Verdi 18, 08012, Barcelona
Jānis Bērziņš | janis.berzins@people.example | lv | LV | Tērbatas iela 53, 1011, Rīga
周梦琪 | zhou.mengqi@people.example | zh-CN | CN | 观前街245号, 215005, 苏州市
Ruta Kazlauskaitė | ruta.kazlauskaite@people.example | lt | LT | Pilies gatvė 22, 01123, Vilnius
Liam O'Connor | liam.oconnor@people.example | en-IE | IE | 9 Oliver Plunkett Street, T12 YX02, Cork
Giulia Ferrari | giulia.ferrari@people.example | it | IT | Via Solferino 11, 20121, Milano
孙嘉怡 | sun.jiayi@people.example | zh-CN | CN | 香港中路40号, 266071, 青岛市
Mikkel Sørensen | mikkel.sorensen@people.example | da | DK | Mejlgade 35, 8000, Aarhus
Zofia Wiśniewska | zofia.wisniewska@people.example | pl | PL | ulica Floriańska 20, 31-021, Kraków
Nikos Georgiou | nikos.georgiou@people.example | el | CY | Ledras 61, 1011, Nicosia
郑宇航 | zheng.yuhang@people.example | zh-CN | CN | 五一大道235号, 410011, 长沙市
`;

export const customers: readonly DemoPerson[] = register
  .trim()
  .split('\n')
  .map((line, index) => customerOf(line.split(' | '), index));

function customerOf(
  [displayName = '', email = '', locale = '', countryCode = '', ...places]: string[],
  index: number,
): DemoPerson {
  const random = randomFor(`customer ${email}`);
  const createdAt = after(OPENING_DAY, DAY_MS + index * DAY_MS + random.integer(0, 14) * HOUR_MS);
  const addresses = places.map((place, position) => {
    const [line1 = '', postalCode = '', city = ''] = place.split(', ');
    const id = demoId('Address', createdAt, `${email} ${position}`);
    return { id, recipient: displayName, phone: null, line1, line2: null, city, region: null, postalCode, countryCode };
  });
  return {
    id: demoId('User', createdAt, email),
    email,
    displayName,
    locale,
    roles: [],
    addresses,
    createdAt,
  };
}
