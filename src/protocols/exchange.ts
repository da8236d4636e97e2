// One HTTP request and its one answer, over HTTP/1 or HTTP/2.

import type { IncomingHttpHeaders } from "node:http";

/** A header in the spelling that HTTP/1 shows. */
export type HeaderField = readonly [name: string, value: string];

export interface Answer {
  readonly status: number;
  readonly headers: Iterable<HeaderField>;
  /** The whole body, or its pieces. */
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** HTTP/2 only. Read after the body has ended. */
  readonly trailers?: Iterable<HeaderField>;
}

/** The bytes before a message that hold its size. */
export interface Prefix {
  readonly bytes: number;
  readonly readSize: (prefix: Buffer) => number;
}

/** An HTTP request and its answer, as protocols use them. Sending to a caller that is gone does nothing. */
export interface Exchange {
  readonly version: 1 | 2;
  /** GET for a HEAD request, which gets the answer without its body. */
  readonly method: string;
  /** Path and query as they came. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values alternating, with the lines that Node leaves out of `headers`. */
  readonly rawHeaders: readonly string[];
  /** The address of the socket's other end. */
  readonly remoteAddress: string;
  /**
   * Reads the body whole: a message of at most `limit` bytes and, where the protocol has one, its prefix.
   * @throws AuthError `too_large` over `limit` bytes, `malformed` for a broken body; RequestAborted when it never ends
   */
  readBody(limit: number, prefix?: Prefix): Promise<Buffer>;
  /** Whether the connection has room for one more streaming call. */
  readonly mayStream: boolean;
  /** The pieces of the body, for streaming calls. */
  chunks(): AsyncIterable<Uint8Array>;
  /** Adds headers to the answer, also to an error. */
  addHeaders(fields: readonly HeaderField[]): void;
  send(answer: Answer): void;
  /** Calls back once, when the exchange has ended: answered, reset or closed. */
  onClose(listener: () => void): void;
  /** Ends the exchange without an answer. */
  abort(): void;
}

/** The caller went away, or took too long: no answer can be sent. */
export class RequestAborted extends Error {
  override readonly name = "RequestAborted";
}

/** The path of a request target. An absolute form is accepted (RFC 9112, 3.2.2); its host is ignored. */
export function pathOf({ target }: Pick<Exchange, "target">): string {
  const path = target.startsWith("/") ? target : target.replace(/^https?:\/\/[^/?]*/i, "");
  const query = path.indexOf("?");
  return query === -1 ? path : path.slice(0, query);
}

/** All lines of a header, joined with commas; undefined when there is none. */
export function headerLines({ rawHeaders }: Pick<Exchange, "rawHeaders">, name: string): string | undefined {
  const lines = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
  // HTTP/2 may split cookie, which is joined with semicolons (RFC 9113, 8.2.3).
  return lines.length === 0 ? undefined : lines.join(name === "cookie" ? "; " : ", ");
}

/** A request's headers as Fetch `Headers`, without HTTP/2's pseudo-headers. */
export function fetchHeaders({ headers }: Pick<Exchange, "headers">): Headers {
  const fetched = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // Headers throws on raw Latin-1, so such values are left out.
    if (typeof value === "string" && !name.startsWith(":") && VALUE.test(value)) fetched.set(name, value);
  }
  return fetched;
}

const VALUE = /^[\t\x20-\x7e]*$/;
