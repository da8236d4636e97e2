// Single paths, each with a request and answer format of its own.

import { malformed } from "../core/errors.ts";
import type { CallOptions, RequestCaller } from "../protocols/call.ts";
import { type CallError, toCallError } from "../protocols/errors.ts";
import { type Answer, type Exchange, type HeaderField, headerLines, RequestAborted } from "../protocols/exchange.ts";
import { unsupportedMediaType } from "../protocols/mistakes.ts";
import { noRoute, restError } from "../protocols/rest.ts";
import type { Readers } from "./cors.ts";

const FORM = "application/x-www-form-urlencoded";

/** The part of a request that endpoints read. */
export interface EndpointRequest {
  /** All lines of a header, joined with commas. Node itself drops repeated lines of some headers. */
  readonly header: (name: string) => string | undefined;
  /** The body of a POST; empty for a GET. */
  readonly body: Uint8Array;
  readonly caller: RequestCaller;
}

/**
 * Reads a form, as OAuth sends its parameters.
 * @returns a function from name to value; empty for a missing one. It throws `malformed` for a repeated one (RFC 6749, 3.2)
 * @throws AuthError `unsupported_media_type`
 */
export function readForm({ header, body }: EndpointRequest): (name: string) => string {
  const type = header("content-type");
  if (type !== undefined && type.split(";", 1)[0]?.trim().toLowerCase() !== FORM)
    throw unsupportedMediaType(type, FORM);
  const form = new URLSearchParams(Buffer.from(body).toString());
  return (name) => {
    const [value = "", ...others] = form.getAll(name);
    if (others.length > 0) throw malformed(`${name} is sent more than once. Send it once`, name);
    return value;
  };
}

export interface EndpointAnswer {
  /** 200 when absent. */
  readonly status?: number;
  readonly contentType?: string;
  readonly headers?: readonly HeaderField[];
  readonly body: string | Uint8Array;
  /** A strong entity tag: conditional requests are answered 304. */
  readonly etag?: string;
  /** Lifetime in caches, in seconds; absent: not cached. */
  readonly maxAge?: number;
}

export interface Endpoint {
  /** GET includes HEAD; `any`: every method, at this path and all below it. */
  readonly method: "GET" | "POST" | "any";
  /** The most bytes of a POST's body; 0 when absent. */
  readonly maxBytes?: number;
  readonly answer: (request: EndpointRequest) => EndpointAnswer | Promise<EndpointAnswer>;
  /** The pages that may read its answers; absent: those of its own origin. */
  readonly readers?: Readers;
  /** Renders its errors; absent: as REST does. */
  readonly errorAnswer?: (error: CallError) => Answer;
}

/** By path. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

/** Creates the look-up of the endpoint at a path. */
export function createFindEndpoint(endpoints: Endpoints): (path: string) => Endpoint | undefined {
  const table = new Map(Object.entries(endpoints));
  const trees = [...table].flatMap(([path, endpoint]) =>
    endpoint.method === "any" ? [[`${path}/`, endpoint] as const] : [],
  );
  return (path) => table.get(path) ?? trees.find(([root]) => path.startsWith(root))?.[1];
}

/** Answers an exchange at an endpoint. */
export async function answerEndpoint(
  exchange: Exchange,
  endpoint: Endpoint,
  { callerFrom, onError }: Pick<CallOptions, "callerFrom" | "onError">,
): Promise<void> {
  const caller = callerFrom(exchange, "rest");
  const { method, maxBytes = 0, errorAnswer = restError } = endpoint;
  try {
    if (method !== "any" && method !== exchange.method) throw noRoute([method]);
    const body = method === "POST" ? await exchange.readBody(maxBytes) : new Uint8Array();
    const header = (name: string): string | undefined => headerLines(exchange, name);
    write(exchange, await endpoint.answer({ header, body, caller }));
  } catch (thrown) {
    if (thrown instanceof RequestAborted) return;
    const error = toCallError(thrown, caller.requestId);
    if ("reason" in error) onError(error, caller);
    exchange.send(errorAnswer(error));
  }
}

function write(exchange: Exchange, answer: EndpointAnswer): void {
  const { status = 200, contentType, headers: fields = [], body, etag, maxAge } = answer;
  const headers: HeaderField[] = [
    ...fields,
    ["Cache-Control", maxAge === undefined ? "no-store" : `max-age=${maxAge}`],
  ];
  if (etag !== undefined) headers.push(["ETag", etag]);
  if (etag !== undefined && matches(exchange.headers["if-none-match"], etag)) {
    exchange.send({ status: 304, headers, body: "" });
    return;
  }
  if (contentType !== undefined) headers.push(["Content-Type", contentType]);
  exchange.send({ status, headers, body });
}

/** Weak comparison against a list (RFC 9110, 13.1.2). */
function matches(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = ifNoneMatch?.split(",").map((tag) => tag.trim().replace(/^W\//, "")) ?? [];
  return tags.some((tag) => tag === "*" || tag === etag);
}
