import type { readEnv } from '../env.ts';
import type { PaymentProvider } from './provider.ts';
import { openTestCard } from './test-card.ts';

/** Opens the providers that are configured. The libraries of the others are not loaded: together they take half a second and 80 MB. */
export async function openProviders({
  testCard,
  stripe,
  alipay,
}: Pick<ReturnType<typeof readEnv>, 'testCard' | 'stripe' | 'alipay'>): Promise<PaymentProvider[]> {
  const offered: PaymentProvider[] = testCard ? [openTestCard(testCard)] : [];
  if (stripe) {
    const { openStripe } = await import('./stripe.ts');
    offered.push(openStripe(stripe));
  }
  if (alipay) {
    const { openAlipayPage, openAlipayQr } = await import('./alipay.ts');
    offered.push(openAlipayPage(alipay), openAlipayQr(alipay));
  }
  return offered;
}
