// A HandlerContext for transports that call a handler themselves. Costs little: what most handlers never read is made late.

import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type HandlerContext } from "@connectrpc/connect";
import { HeaderList } from "./header-list.ts";

/** Gives a call up: its caller has gone, or its deadline has passed. */
export type Abandon = (reason: "gone" | "late") => void;

export interface DirectContextInit {
  readonly method: DescMethod;
  readonly protocolName: string;
  readonly requestMethod: string;
  readonly url: string;
  readonly values: ContextValues;
  /** Builds the request's headers when a handler asks for them. */
  readonly requestHeader: () => Headers;
  /** Where the handler's headers go. */
  readonly responseHeader: HeaderList;
  /** Milliseconds that the caller is still ready to wait; absent or undefined: it did not say. */
  readonly remainingMs?: () => number | undefined;
  /** Asks to be told when the caller has gone, or waits no longer; at once when that was before. */
  readonly onAbandoned: (abandon: Abandon) => void;
}

/** What a handler throws that gives up with its caller. */
const ABANDONED = {
  gone: () => new ConnectError("the caller has gone", Code.Canceled),
  late: () => new ConnectError("the deadline has passed", Code.DeadlineExceeded),
} satisfies Record<Parameters<Abandon>[0], () => ConnectError>;

/** The context of one unary call. */
export class DirectContext implements HandlerContext {
  readonly service: DescService;
  readonly method: DescMethod;
  readonly protocolName: string;
  readonly requestMethod: string;
  readonly url: string;
  readonly values: ContextValues;
  readonly responseHeader: HeaderList;
  readonly #requestHeader: () => Headers;
  readonly #remainingMs: (() => number | undefined) | undefined;
  readonly #onAbandoned: (abandon: Abandon) => void;
  #headers: Headers | undefined;
  #trailer: HeaderList | undefined;
  #abort: AbortController | undefined;

  constructor(init: DirectContextInit) {
    this.service = init.method.parent;
    this.method = init.method;
    this.protocolName = init.protocolName;
    this.requestMethod = init.requestMethod;
    this.url = init.url;
    this.values = init.values;
    this.responseHeader = init.responseHeader;
    this.#requestHeader = init.requestHeader;
    this.#remainingMs = init.remainingMs;
    this.#onAbandoned = init.onAbandoned;
  }

  get requestHeader(): Headers {
    this.#headers ??= this.#requestHeader();
    return this.#headers;
  }

  /** What a handler has put there; undefined when it did not look. */
  get trailer(): HeaderList | undefined {
    return this.#trailer;
  }

  /** The response's headers, and its trailers among them with a prefix, as protocols without trailers have them. */
  headersWithTrailers(): HeaderList {
    for (const [name, value] of this.#trailer ?? []) this.responseHeader.append(`Trailer-${name}`, value);
    return this.responseHeader;
  }

  get responseTrailer(): Headers {
    this.#trailer ??= new HeaderList();
    return this.#trailer;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.#onAbandoned((reason) => abort.abort(ABANDONED[reason]()));
    }
    return this.#abort.signal;
  }

  timeoutMs(): number | undefined {
    return this.#remainingMs?.();
  }
}
