// Single paths whose requests and answers have the form of another specification than ours: forward-auth, introspection. Knows
// none of them.

import { AuthError } from "../core/errors.ts";
import { RequestAborted, readBody } from "./body.ts";
import type { TransportOptions } from "./call.ts";
import { createCaller, headersOf, type RequestCaller } from "./caller.ts";
import { asRefusal } from "./errors.ts";
import {
  type HeaderField,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  pathOf,
  send,
  sendRefusal,
} from "./http.ts";

/** A request, as much as an endpoint needs of it. */
export interface EndpointRequest {
  /** A header's value, its lines joined with commas; undefined where there is none. */
  readonly header: (name: string) => string | undefined;
  /** The body, of a POST; empty for other verbs. */
  readonly body: Uint8Array;
  readonly caller: RequestCaller;
}

export interface EndpointAnswer {
  readonly status: number;
  readonly headers: readonly HeaderField[];
  readonly body: string;
  /** Where it is a refusal in the form of its specification. */
  readonly refusal?: AuthError;
}

export interface Endpoint {
  /** GET is HEAD too. */
  readonly verb: "GET" | "POST";
  /** The most bytes that the body of a POST may have. */
  readonly maxBytes: number;
  /** Answers, or throws: AuthErrors are told as REST tells them. */
  readonly answer: (request: EndpointRequest) => Promise<EndpointAnswer>;
}

/** What is at each path. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

export interface EndpointTransport {
  readonly paths: readonly string[];
  readonly serves: (path: string) => boolean;
  readonly handle: HttpHandler;
}

/** Serves endpoints. */
export function createEndpoints(
  endpoints: Endpoints,
  { callerFrom = createCaller, onRefused }: Pick<TransportOptions, "callerFrom" | "onRefused">,
): EndpointTransport {
  const paths = new Map(Object.entries(endpoints));

  async function handle(request: HttpRequest, response: HttpResponse): Promise<void> {
    const endpoint = paths.get(pathOf(request));
    if (endpoint === undefined) throw new TypeError("only what is served is handled");
    const allow = endpoint.verb === "GET" ? ["GET", "HEAD", "OPTIONS"] : ["POST", "OPTIONS"];
    const caller = callerFrom(request.socket.remoteAddress, "rest", headersOf(request));
    if (request.method === "OPTIONS") {
      send(response, 200, [["Allow", allow.join(", ")]], "");
      return;
    }
    try {
      if (!allow.includes(request.method ?? "")) {
        throw new AuthError("method_not_allowed", `this path takes ${endpoint.verb} only`, { allow });
      }
      const body = endpoint.verb === "POST" ? await readBody(request, endpoint.maxBytes) : new Uint8Array();
      const header = readHeader(request);
      const { status, headers, body: text, refusal } = await endpoint.answer({ header, body, caller });
      if (refusal !== undefined) onRefused(refusal, caller);
      send(response, status, [...headers, ["Cache-Control", "no-store"]], text);
    } catch (error) {
      if (error instanceof RequestAborted) throw error;
      const refusal = asRefusal(error, caller.requestId);
      if (refusal instanceof AuthError) onRefused(refusal, caller);
      sendRefusal(response, refusal);
    }
  }

  return { paths: [...paths.keys()], serves: (path) => paths.has(path), handle };
}

/** All lines of a header: of some, Node keeps the first and drops the others, which whoever comes after may go by. */
function readHeader({ rawHeaders }: HttpRequest): EndpointRequest["header"] {
  return (name) => {
    const lines = rawHeaders.filter(
      (_value, place) => place % 2 === 1 && rawHeaders[place - 1]?.toLowerCase() === name,
    );
    return lines.length === 0 ? undefined : lines.join(", ");
  };
}
