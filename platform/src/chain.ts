/** What stands in a chain, and in one at a time. */
export abstract class Link {
  /** Its neighbours, which belong to the chain; undefined while it stands in none. */
  before: Link | undefined;
  after: Link | undefined;

  get isLinked(): boolean {
    return this.before !== undefined;
  }

  /** Takes it out of its chain; nothing happens when it stands in none. */
  unlink(): void {
    const { before, after } = this;
    if (!before || !after) return;
    before.after = after;
    after.before = before;
    this.before = undefined;
    this.after = undefined;
  }
}

class Ends extends Link {}

/**
 * A set that runs through its members: to add or to take out one makes nothing, where a `Set` grows and is made anew again and again. For what comes and goes with
 * each request.
 */
export class Chain<Member extends Link> {
  readonly #ends = new Ends();

  constructor() {
    this.#ends.before = this.#ends;
    this.#ends.after = this.#ends;
  }

  get isEmpty(): boolean {
    return this.#ends.after === this.#ends;
  }

  /** Adds a member that stands in no chain, at the end. */
  add(member: Member): void {
    const ends = this.#ends;
    const last = ends.before as Link;
    member.before = last;
    member.after = ends;
    last.after = member;
    ends.before = member;
  }

  /** Its members at this moment, in the order in which they were added. */
  members(): Member[] {
    const members: Member[] = [];
    for (let link = this.#ends.after as Link; link !== this.#ends; link = link.after as Link)
      members.push(link as Member);
    return members;
  }
}
