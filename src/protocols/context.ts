// A HandlerContext that costs little: what few handlers read is made when they do.

import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type HandlerContext } from "@connectrpc/connect";
import { type Exchange, fetchHeaders } from "./exchange.ts";
import { HeaderList } from "./header-list.ts";

/** The context of one unary call. */
export class CallContext implements HandlerContext {
  readonly service: DescService;
  readonly method: DescMethod;
  readonly protocolName: string;
  readonly requestMethod: string;
  readonly url: string;
  readonly values: ContextValues;
  readonly responseHeader: HeaderList = new HeaderList();
  readonly #exchange: Exchange;
  readonly #now: () => number;
  #requestHeader: Headers | undefined;
  #trailer: HeaderList | undefined;
  #deadline: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #abort: AbortController | undefined;

  constructor(exchange: Exchange, method: DescMethod, protocolName: string, values: ContextValues, now: () => number) {
    this.service = method.parent;
    this.method = method;
    this.protocolName = protocolName;
    this.values = values;
    this.requestMethod = exchange.method;
    this.url = exchange.target;
    this.#exchange = exchange;
    this.#now = now;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= fetchHeaders(this.#exchange);
    return this.#requestHeader;
  }

  get responseTrailer(): HeaderList {
    this.#trailer ??= new HeaderList();
    return this.#trailer;
  }

  /** Aborts when the caller has gone or its deadline has passed. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.#exchange.onClose(() => abort.abort(new ConnectError("the caller has gone", Code.Canceled)));
      const late = (): void => abort.abort(new ConnectError("the deadline has passed", Code.DeadlineExceeded));
      if (this.#deadline !== undefined) this.#timer = setTimeout(late, this.timeoutMs());
    }
    return this.#abort.signal;
  }

  /** The time that is left, in milliseconds. */
  timeoutMs(): number | undefined {
    return this.#deadline === undefined ? undefined : Math.max(0, this.#deadline - this.#now());
  }

  /** Starts the deadline. */
  setTimeout(timeoutMs: number | undefined): void {
    this.#deadline = timeoutMs === undefined ? undefined : this.#now() + timeoutMs;
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  /** The trailers that the handler has set. */
  trailers(): Iterable<[string, string]> {
    return this.#trailer ?? [];
  }

  /** The response's headers, with the trailers among them as protocols without trailers have them. */
  headersWithTrailers(): HeaderList {
    for (const [name, value] of this.trailers()) this.responseHeader.set(`Trailer-${name}`, value);
    return this.responseHeader;
  }
}
