// REST from the contract: google.api.http routes onto any Connect ServiceImpl. Knows no service; could stand by itself.

import { type DescMessage, type DescMethodUnary, type MessageShape, toJson } from "@bufbuild/protobuf";
import { AuthError, malformed } from "../core/errors.ts";
import { readBody } from "./body.ts";
import { perform, type TransportOptions, type UnaryMethod, unaryMethods } from "./call.ts";
import { createCaller, headersOf, type RequestCaller, valuesOf } from "./caller.ts";
import { compress, compressedEtag } from "./coding.ts";
import { DirectContext } from "./context.ts";
import { HeaderList } from "./header-list.ts";
import {
  fetchHeaders,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  onGone,
  pathOf,
  send,
  sendJson,
  sendRefusal,
} from "./http.ts";
import { type Json, readJson } from "./json.ts";
import { readMessage, readObject, registryOf } from "./message.ts";
import { type Draft, findLeaf, placeOf, readQuery, setLeaf } from "./query.ts";
import { createRouteTable, type Match, type Route } from "./routes.ts";

export interface RestTransport {
  /** Whether some verb has a route at this path. */
  readonly serves: (path: string) => boolean;
  readonly handle: HttpHandler;
}

/** Builds what answers every REST route of the services, and 404 or 405 to whatever else comes. */
export function createRest({
  services,
  callerFrom = createCaller,
  onRefused,
}: Pick<TransportOptions, "services" | "callerFrom" | "onRefused">): RestTransport {
  const methods = new Map<DescMethodUnary, UnaryMethod>(unaryMethods(services).map((one) => [one.method, one]));
  const table = createRouteTable([...methods.keys()]);

  async function handle(request: HttpRequest, response: HttpResponse): Promise<void> {
    const caller = callerFrom(request.socket.remoteAddress, "rest", headersOf(request));
    const found = table.match(request.method ?? "", pathOf(request));
    if ("allowed" in found) {
      refuse(request, response, found.allowed, caller);
      return;
    }
    const { route } = found;
    const target = methods.get(route.method);
    if (target === undefined) throw new TypeError("every route is a method's");
    const context = new DirectContext({
      method: route.method,
      protocolName: "rest",
      requestMethod: route.verb,
      url: request.url ?? "",
      values: valuesOf(caller),
      requestHeader: () => fetchHeaders(request),
      responseHeader: new HeaderList(),
      onAbandoned: (abandon) => onGone(request, response, () => abandon("gone")),
    });
    const read = (): Promise<MessageShape<DescMessage>> => readRequest(request, found, target.maxMessageBytes);
    const write = (message: MessageShape<DescMessage>): string => writeAnswer(route, message);
    const outcome = await perform(target, { caller, context, read, write }, { onRefused });
    const headers = context.headersWithTrailers();
    if ("refusal" in outcome) sendRefusal(response, outcome.refusal, headers);
    else await sendAnswer(request, response, outcome.answer, headers);
  }

  /** Nothing is routed here by this verb. */
  function refuse(
    request: HttpRequest,
    response: HttpResponse,
    allowed: readonly string[],
    caller: RequestCaller,
  ): void {
    const allow = [...allowed.flatMap((verb) => (verb === "GET" ? ["GET", "HEAD"] : [verb])), "OPTIONS"];
    // RFC 9110, 9.3.7: what a path takes may be asked.
    if (request.method === "OPTIONS" && allowed.length > 0) {
      send(response, 200, [["Allow", allow.join(", ")]], "");
      return;
    }
    const refusal =
      allowed.length === 0
        ? new AuthError("not_found", "there is nothing at this path on this listener")
        : new AuthError("method_not_allowed", `this path takes ${allowed.join(" or ")} only`, { allow });
    onRefused(refusal, caller);
    sendRefusal(response, refusal);
  }

  return {
    serves: (path) => {
      const found = table.match("OPTIONS", path);
      return "route" in found || found.allowed.length > 0;
    },
    handle,
  };
}

/** Sends an answer, compressed where that is asked for and pays. */
async function sendAnswer(
  request: HttpRequest,
  response: HttpResponse,
  body: string,
  headers: HeaderList,
): Promise<void> {
  const compressed = compress(body, request.headers["accept-encoding"]);
  if (compressed === undefined) {
    sendJson(response, 200, body, headers);
    return;
  }
  headers.set("Content-Encoding", "gzip");
  headers.append("Vary", "Accept-Encoding");
  const etag = headers.get("ETag");
  if (etag !== null) headers.set("ETag", compressedEtag(etag));
  sendJson(response, 200, await compressed, headers);
}

const WRITE = { alwaysEmitImplicit: true, useProtoFieldName: true };

function writeAnswer({ method, responseBody }: Route, result: MessageShape<DescMessage>): string {
  const json = toJson(method.output, result, { ...WRITE, registry: registryOf(method.output) });
  if (responseBody === undefined) return JSON.stringify(json);
  const field = typeof json === "object" && json !== null ? Reflect.get(json, responseBody.name) : undefined;
  return JSON.stringify(field ?? null);
}

/** Body, then query, then path: what is in the path has the last word (google/api/http.proto). */
async function readRequest(
  request: HttpRequest,
  { route, values }: Match,
  maxBytes: number,
): Promise<MessageShape<DescMessage>> {
  const { input } = route.method;
  const body = route.body === undefined ? {} : await readJsonBody(request, maxBytes);
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
  const set = new Set<string>();
  for (const [name, values] of readQuery(url.slice(mark + 1))) {
    const [first = ""] = name.split(".", 1);
    if (body !== undefined && body !== "*" && (first === body.name || first === body.jsonName)) continue;
    // What the contract does not know is ignored, as in a body.
    const leaf = findLeaf(method.input, name);
    if (leaf === undefined) continue;
    const place = placeOf(leaf);
    if (set.has(place)) throw malformed(`${place} is there in both spellings. Send it once`, place);
    set.add(place);
    // What the path says is the path's to say.
    const bound = leaves.some(
      (other) => other.length === leaf.length && other.every((field, at) => field === leaf[at]),
    );
    if (!bound) setLeaf(draft, leaf, values);
  }
}

async function readJsonBody(request: HttpRequest, maxBytes: number): Promise<Json> {
  checkMediaType(request);
  return readJson(await readBody(request, maxBytes));
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
