import type { CallFailure } from '../call-failure.ts';
import type { Connection } from './connection.ts';
import type { RequestText } from './request-text.ts';
import type { HttpResponse } from './response-reader.ts';

/** A POST request with JSON, which hears of its answer. One of its listeners is called, once, unless it is abandoned. */
export interface HttpPost {
  path: string;
  headers: Readonly<Record<string, string>>;
  /** Its JSON text. */
  body: string;
  /** Whether it may share a connection with others that are sent at the same moment: only what may be sent again when the connection ends. */
  mayShare: boolean;
  onResponse(response: HttpResponse): void;
  onFailure(failure: CallFailure): void;
}

/** A request on its way. */
export class Exchange {
  readonly post: HttpPost;
  readonly text: RequestText;
  /** Whether nobody wants the answer any more. */
  isAbandoned = false;
  /** Which one it goes out on; undefined while it waits for one. */
  connection: Connection | undefined;

  constructor(post: HttpPost, text: RequestText) {
    this.post = post;
    this.text = text;
  }

  /** Its answer is not wanted any more: nobody is told anything from now on. */
  abandon(): void {
    this.isAbandoned = true;
    this.connection?.abandon();
  }
}
