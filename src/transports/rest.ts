// REST from the contract: google.api.http routes onto any Connect ServiceImpl. Knows no service; could stand by itself.

import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { AuthError } from "../core/errors.ts";
import { MAX_MESSAGE_BYTES, RequestAborted, readBody } from "./body.ts";
import { createCaller, valuesOf } from "./caller.ts";
import { DirectContext } from "./context.ts";
import { asAuthError } from "./errors.ts";
import { HeaderList } from "./header-list.ts";
import {
  fetchHeaders,
  type HeaderField,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  pathOf,
  sendJson,
  sendRefusal,
} from "./http.ts";
import { type Json, readJson } from "./json.ts";
import { readMessage, readObject } from "./message.ts";
import type { TransportOptions } from "./options.ts";
import { type Draft, findLeaf, readQuery, setLeaf } from "./query.ts";
import { createRouteTable, type Match, type Route } from "./routes.ts";

type Handle = (
  request: MessageShape<DescMessage>,
  context: HandlerContext,
) => Promise<MessageInitShape<DescMessage>> | MessageInitShape<DescMessage>;

/** Builds the handler that answers every REST route of the services, and 404 or 405 for whatever else comes. */
export function createRest({ services, onRefused }: TransportOptions): HttpHandler {
  const handles = new Map<DescMethodUnary, Handle>();
  for (const { methods } of services) {
    for (const spec of Object.values(methods)) {
      if (spec.kind === "unary") handles.set(spec.method, spec.impl);
    }
  }
  const table = createRouteTable([...handles.keys()]);

  async function answer(request: HttpRequest, response: HttpResponse): Promise<void> {
    const caller = createCaller(request.socket.remoteAddress, "rest");
    const headers = new HeaderList();
    let heard = false;
    try {
      const match = findRoute(request);
      const { route } = match;
      const handle = handles.get(route.method);
      if (handle === undefined) throw new TypeError("a route has a handler");
      const message = await readRequest(request, match);
      const context = new DirectContext({
        service: route.method.parent,
        method: route.method,
        protocolName: "rest",
        requestMethod: route.verb,
        url: request.url ?? "",
        values: valuesOf(caller),
        requestHeader: () => fetchHeaders(request),
        responseHeader: headers,
      });
      heard = true;
      const result = create(route.method.output, await handle(message, context));
      sendJson(response, 200, writeAnswer(route, result), headers);
    } catch (error) {
      if (error instanceof RequestAborted) return;
      const refusal = asAuthError(error, caller.requestId);
      if (!heard || refusal.reason === "internal") onRefused(refusal, caller);
      sendRefusal(response, refusal, [...headers, ...allowHeader(error)]);
    }
  }

  function findRoute(request: HttpRequest): Match {
    const verb = request.method === "HEAD" ? "GET" : (request.method ?? "");
    const found = table.match(verb, pathOf(request));
    if ("route" in found) return found;
    if (found.allowed.length === 0) throw new AuthError("not_found", "there is nothing at this path");
    throw new MethodNotAllowed(found.allowed);
  }

  return answer;
}

function writeAnswer({ method, responseBody }: Route, result: MessageShape<DescMessage>): string {
  const json = toJson(method.output, result, WRITE);
  if (responseBody === undefined) return JSON.stringify(json);
  const field = typeof json === "object" && json !== null ? Reflect.get(json, responseBody.name) : undefined;
  return JSON.stringify(field ?? null);
}

const WRITE = { alwaysEmitImplicit: true, useProtoFieldName: true };

class MethodNotAllowed extends AuthError {
  readonly allowed: readonly string[];
  constructor(allowed: readonly string[]) {
    super("method_not_allowed", `this path takes ${allowed.join(" or ")} only`);
    this.allowed = allowed;
  }
}

function allowHeader(error: unknown): HeaderField[] {
  return error instanceof MethodNotAllowed ? [["Allow", error.allowed.join(", ")]] : [];
}

/** Body, then query, then path: what is in the path has the last word (google/api/http.proto). */
async function readRequest(request: HttpRequest, { route, values }: Match): Promise<MessageShape<DescMessage>> {
  const { input } = route.method;
  const body = route.body === undefined ? {} : await readJsonBody(request);
  if (route.body === "*" && values.length === 0) return readMessage(input, body);

  const draft: Draft = route.body === "*" ? readObject(body) : {};
  if (route.body !== undefined && route.body !== "*") draft[route.body.name] = body;
  if (route.body !== "*") setParameters(draft, request, route);
  for (const [place, leaf] of route.leaves.entries()) setLeaf(draft, leaf, values.slice(place, place + 1));
  return readMessage(input, draft);
}

function setParameters(draft: Draft, { url = "" }: HttpRequest, { method, body, leaves }: Route): void {
  const mark = url.indexOf("?");
  if (mark === -1) return;
  for (const [name, values] of readQuery(url.slice(mark + 1))) {
    const leaf = findLeaf(method.input, name);
    // What the contract does not know is ignored, as in a body; what body or path say is theirs to say.
    const said = leaf === undefined || leaf[0] === body || leaves.some((other) => other.at(-1) === leaf.at(-1));
    if (!said) setLeaf(draft, leaf, values);
  }
}

async function readJsonBody(request: HttpRequest): Promise<Json> {
  checkMediaType(request);
  return readJson(await readBody(request, MAX_MESSAGE_BYTES));
}

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.-]+\+)?json\s*(?:;|,|$)/i;

function checkMediaType(request: HttpRequest): void {
  const type = request.headers["content-type"];
  if (type !== undefined && type !== "" && !JSON_TYPE.test(type)) {
    throw new AuthError(
      "unsupported_media_type",
      "the Content-Type is not JSON. Send it as JSON or leave the header out",
    );
  }
  const coding = request.headers["content-encoding"];
  if (coding !== undefined && coding !== "" && coding !== "identity") {
    throw new AuthError("unsupported_media_type", "the body has a Content-Encoding. Send it as it is");
  }
}
