// A cheap HandlerContext: parts that few handlers read are made when read.

import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { Code, ConnectError, type ContextValues, type HandlerContext } from "@connectrpc/connect";
import { malformed } from "../core/errors.ts";
import { type Exchange, fetchHeaders } from "./exchange.ts";
import { HeaderList } from "./header-list.ts";

/** A longer timeout is clamped to this, in milliseconds. */
const MAX_TIMEOUT_MS = 60_000;
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };
const TIMEOUTS = {
  "grpc-timeout": { form: /^(\d{1,8})([HMSmun])$/, expected: "at most 8 digits and a unit of H M S m u or n" },
  "connect-timeout-ms": { form: /^(\d{1,10})$/, expected: "a whole number of at most 10 digits" },
};
export type TimeoutHeader = keyof typeof TIMEOUTS;

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
  #requestHeader: Headers | undefined;
  #timeoutMs: number | undefined;
  #abort: AbortController | undefined;

  constructor(exchange: Exchange, method: DescMethod, protocolName: string, values: ContextValues) {
    this.service = method.parent;
    this.method = method;
    this.protocolName = protocolName;
    this.values = values;
    this.requestMethod = exchange.method;
    this.url = exchange.target;
    this.#exchange = exchange;
  }

  get requestHeader(): Headers {
    this.#requestHeader ??= fetchHeaders(this.#exchange);
    return this.#requestHeader;
  }

  /** Throws: the contract has no trailers, its headers are initial metadata. */
  get responseTrailer(): never {
    throw new TypeError("a handler of a unary call has no trailers");
  }

  /** Aborts when the caller is gone or its timeout is over. The timeout starts at the first read of this property. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      const late = (): void => abort.abort(new ConnectError("the deadline has passed", Code.DeadlineExceeded));
      const timer = this.#timeoutMs === undefined ? undefined : setTimeout(late, this.#timeoutMs);
      this.#exchange.onClose(() => {
        clearTimeout(timer);
        abort.abort(new ConnectError("the caller has gone", Code.Canceled));
      });
    }
    return this.#abort.signal;
  }

  timeoutMs(): number | undefined {
    return this.#timeoutMs;
  }

  /** Reads the caller's timeout, if it sent one. @throws AuthError `malformed` */
  readTimeout(name: TimeoutHeader | undefined): void {
    const header = name && this.#exchange.headers[name];
    if (name === undefined || header === undefined) return;
    const { form, expected } = TIMEOUTS[name];
    const [, amount, unit = "m"] = form.exec(String(header)) ?? [];
    if (amount === undefined) throw malformed(`${name} is not ${expected}`);
    this.#timeoutMs = Math.min(Math.ceil(Number(amount) * (UNITS[unit] ?? 1)), MAX_TIMEOUT_MS);
  }
}
