import { vi } from 'vitest';

/** Runs a command, and keeps what it prints. */
export async function printed(work: () => Promise<number>): Promise<{ code: number; text: string }> {
  const chunks: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => chunks.push(String(chunk)) > 0);
  try {
    return { code: await work(), text: chunks.join('') };
  } finally {
    write.mockRestore();
  }
}
