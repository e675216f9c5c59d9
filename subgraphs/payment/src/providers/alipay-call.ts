import { AlipayRequestError, AlipaySdk } from 'alipay-sdk';
import { z } from 'zod';
import { ProviderFailure } from './provider.ts';

/** What every answer has. https://opendocs.alipay.com/common/02km9f */
const common = z.looseObject({ code: z.string().max(16), sub_code: z.string().max(64).optional() });

/** Alipay did not do it; `code` is the reason, such as `ACQ.TRADE_NOT_EXIST`. */
export class AlipayRefusal extends ProviderFailure {
  readonly code: string;

  constructor(code: string) {
    super('not-done', `Alipay refused: ${code}.`);
    this.code = code;
  }
}

/** Alipay's clock, which is that of Beijing in summer and winter, as it is written in requests. */
export function beijingTime(instant: Date): string {
  return new Date(instant.getTime() + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}

/**
 * Asks Alipay and reads its answer, whose signature is verified.
 *
 * @throws {AlipayRefusal} when it was refused for a reason; another ProviderFailure when nobody knows
 */
export async function call<Answer>(
  sdk: AlipaySdk,
  method: string,
  bizContent: Record<string, string>,
  answer: z.ZodType<Answer>,
  more: Record<string, string> = {},
): Promise<Answer> {
  const request = { ...more, timestamp: beijingTime(new Date()), bizContent };
  const said = await sdk.exec(method, request, { validateSign: true }).catch((error: unknown) => {
    throw failureOf(error);
  });
  const { data: outcome } = common.safeParse(said);
  if (outcome && outcome.code !== '10000') {
    const code = outcome.sub_code ?? outcome.code;
    // Their side failed, before the deed or after it.
    const isUnknown = outcome.code === '20000' || code.endsWith('SYSTEM_ERROR');
    throw isUnknown ? new ProviderFailure('unknown', `Alipay failed: ${code}.`) : new AlipayRefusal(code);
  }
  const { data } = answer.safeParse(said);
  if (!data) throw new ProviderFailure('unknown', 'Alipay answered something else.');
  return data;
}

/** The library's messages repeat what was answered, with the names of buyers in it, so they go no further. */
function failureOf(error: unknown): unknown {
  if (error instanceof AlipayRequestError && error.cause instanceof Error && !(error.cause instanceof SyntaxError)) {
    const outcome = isConnectFailure(error.cause) ? 'not-done' : 'unknown';
    return new ProviderFailure(outcome, 'Alipay did not answer.', error.cause);
  }
  if (error instanceof AlipayRequestError) {
    const trace = error.traceId ? ` (trace ${error.traceId})` : '';
    return new ProviderFailure('unknown', `Alipay's answer could not be read, or was not signed by Alipay${trace}.`);
  }
  // Without any signature the library fails before it looks.
  if (error instanceof TypeError) return new ProviderFailure('unknown', "Alipay's answer was not signed.", error);
  return error;
}

/** Without a connection nothing was sent. The reason stands somewhere down the chain of causes. */
function isConnectFailure(error: Error): boolean {
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT') return true;
  return error.cause instanceof Error && isConnectFailure(error.cause);
}

export function openSdk(options: {
  appId: string;
  privateKey: string;
  publicKey: string;
  gateway?: string | undefined;
  timeoutMs: number;
}): AlipaySdk {
  return new AlipaySdk({
    appId: options.appId,
    privateKey: options.privateKey,
    keyType: 'PKCS8',
    alipayPublicKey: options.publicKey,
    signType: 'RSA2',
    timeout: options.timeoutMs,
    camelcase: false,
    ...(options.gateway && { gateway: options.gateway }),
  });
}
