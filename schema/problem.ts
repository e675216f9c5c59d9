/** What a command of the schema ends with; pipelines may rely on the numbers. */
export const exitCodes = {
  /** All is well. */
  ok: 0,
  /** The answer is no: a check failed, or the registry refused. */
  refused: 1,
  /** The command was called in a way it does not understand. */
  usage: 2,
  /** It could not find out: git, the registry or a subgraph did not answer. */
  unavailable: 3,
} as const;

/** Something that whoever called the command can mend; its message says how. */
export class Problem extends Error {
  readonly exitCode: number;

  constructor(kind: keyof typeof exitCodes, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCodes[kind];
  }
}
