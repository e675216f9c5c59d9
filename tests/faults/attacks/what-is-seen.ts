import { check } from '../../invariants/check.ts';
import { openSources } from '../../invariants/shop.ts';
import type { Scene } from '../races/scene.ts';

/** The invariants that are broken at this moment, with one of these among the examples: an id of the API, or the name of an account. */
export async function brokenAbout({ rig }: Scene, ...names: string[]): Promise<string[]> {
  await using sources = await openSources({ databaseUrls: rig.databaseUrls, providerLog: null });
  const findings = await check(sources, { isSettled: false });
  return findings
    .filter(({ examples }) =>
      examples.some((example) => Object.values(example).some((value) => names.includes(String(value)))),
    )
    .map(({ id }) => id);
}

/** What somebody is told, in a word: `done`, or why not. */
export async function told(answer: Promise<{ userErrors: { code: string }[] }>): Promise<string> {
  try {
    return (await answer).userErrors[0]?.code ?? 'done';
  } catch (error) {
    const [, code] = /"code":"(\w+)"/.exec(String(error)) ?? [];
    if (code) return code;
    throw error;
  }
}
