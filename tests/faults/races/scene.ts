import { newCustomer, PASSWORD, type Person, signIn, staff } from '../../client.ts';
import { type Rig, startRig } from '../rig.ts';
import { openPostbox, type Postbox } from './postbox.ts';
import { openRows, type Rows } from './rows.ts';

/** A shop in which a test decides what happens when: see `race`, `holdSweeper` and the postbox. */
export interface Scene {
  rig: Rig;
  rows: Rows;
  postbox: Postbox;
  customer: Person;
  /** Signs everybody in again: access tokens last five minutes, and some machines are slow. */
  signInAgain(): Promise<void>;
  close(): Promise<void>;
}

/** Charged, and answered with PROCESSING: only the provider's report will say that money was taken. */
export const REPORTED_CARD = '4000000000000077';

export async function openScene(): Promise<Scene> {
  const postbox = await openPostbox();
  const rig = await startRig({
    env: {
      // Long enough for whatever collides, and short enough for the sweep to come by each second.
      order: { ORDER_PAYMENT_WINDOW: '59s' },
      'test-card': { WEBHOOK_URL: postbox.url, APPROVAL_DELAY: '1ms' },
    },
  });
  const rows = openRows(rig);
  const { gatewayUrl, adminUrl } = rig.shop;
  const customer = await newCustomer(gatewayUrl);
  return {
    rig,
    rows,
    postbox,
    customer,
    async signInAgain() {
      Object.assign(rig.admin, await staff(adminUrl, 'ADMIN'));
      Object.assign(customer, await signIn(gatewayUrl, customer.email, PASSWORD));
    },
    async close() {
      await rows.close();
      await rig.stop();
      await postbox.close();
    },
  };
}
