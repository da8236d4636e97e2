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
import { readMessage } from "./message.ts";
import type { TransportOptions } from "./options.ts";
import { createRouteTable, type Match } from "./routes.ts";

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
      const { route, variables } = findRoute(request);
      const handle = handles.get(route.method);
      if (handle === undefined) throw new TypeError("a route has a handler");
      const message = await readRequest(request, { route, variables });
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
      sendJson(response, 200, JSON.stringify(toJson(route.method.output, result, WRITE)), headers);
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

async function readRequest(request: HttpRequest, { route, variables }: Match): Promise<MessageShape<DescMessage>> {
  const input = route.method.input;
  let json: Json = {};
  if (route.body !== null) {
    checkMediaType(request);
    json = readJson(await readBody(request, MAX_MESSAGE_BYTES));
    if (route.body !== undefined) json = { [route.body.name]: json };
  }
  if (variables.size > 0 && typeof json === "object" && json !== null && !Array.isArray(json)) {
    json = { ...json, ...Object.fromEntries([...variables].map(([field, value]) => [field.name, value])) };
  }
  return readMessage(input, json);
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
