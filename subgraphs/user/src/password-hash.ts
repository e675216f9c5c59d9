import { hash, verify } from '@node-rs/argon2';
import { SoukError } from '@souk/platform/errors';

/** argon2id as OWASP's Password Storage Cheat Sheet asks at least: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The hash of a password nobody has, made with the same cost: verifying against it takes as long as against a real one. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$HCef1vVPTtTTDTBXQXCfwg$YdPMydQYL+ZZF/qkpqiXcjCt+HQREyDMb9U2H7e/uX0';

/** Hashes a password for storage. Spellings of one text that look the same are the same password (NIST SP 800-63B, 3.1.1.2). */
export function hashPassword(password: string): Promise<string> {
  return hash(password.normalize('NFKC'), cost);
}

/** Whether the password belongs to the hash. Without one the answer is no, and takes just as long. */
export async function verifyPassword(passwordHash: string | null, password: string): Promise<boolean> {
  const matches = await verify(passwordHash ?? NOBODYS_HASH, password.normalize('NFKC'));
  return matches && passwordHash !== null;
}

/**
 * Runs work that hashes. Each hash keeps a core and 19 MiB busy for tens of milliseconds, so two run at a time, a few wait, and the rest is refused:
 * without this limit, 300 sign-ins at once stop everything else for seconds.
 *
 * @throws {SoukError} RATE_LIMITED, retryable, when too many wait already
 */
export const withHashSlot = createHashGate({ concurrency: 2, waiting: 100 });

/** Makes a gate that lets `concurrency` pieces of work through at a time and `waiting` ones queue. */
export function createHashGate({ concurrency, waiting }: { concurrency: number; waiting: number }) {
  const queue: (() => void)[] = [];
  let running = 0;

  return async function withSlot<Result>(work: () => Promise<Result>): Promise<Result> {
    if (running < concurrency) running += 1;
    else if (queue.length >= waiting) throw overloaded();
    // Whoever leaves hands its place on without freeing it, so nobody can slip in between.
    else await new Promise<void>((enter) => queue.push(enter));
    try {
      return await work();
    } finally {
      const next = queue.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

function overloaded(): SoukError {
  return new SoukError('RATE_LIMITED', 'Too many people are signing in at this moment. Try again shortly.', {
    retryable: true,
    retryAfterMs: 1_000,
  });
}
