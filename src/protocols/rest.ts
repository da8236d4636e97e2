// REST: maps google.api.http routes to unary methods.

import {
  type DescMessage,
  type DescMethodUnary,
  type JsonObject,
  type JsonValue,
  type MessageShape,
  toJson,
} from "@bufbuild/protobuf";
import { AuthError } from "../core/errors.ts";
import { type CallOptions, type Protocol, type UnaryMethod, unaryMethods } from "./call.ts";
import { type CallError, errorHeaders, toRest } from "./errors.ts";
import { type Answer, type Exchange, pathOf } from "./exchange.ts";
import { HeaderList } from "./header-list.ts";
import { parseJson } from "./json.ts";
import { readMessage } from "./message.ts";
import { isObject, unsupportedMediaType } from "./mistakes.ts";
import { findFieldPath, formatFieldPath, readQuery, setField } from "./query.ts";
import { createRouteTable, type Route, type RouteMatch } from "./routes.ts";

/** The REST routes of services. */
export function createRest({ services }: Pick<CallOptions, "services">): Protocol {
  const methods = new Map<DescMethodUnary, UnaryMethod>(unaryMethods(services).map((one) => [one.desc, one]));
  const table = createRouteTable([...methods.keys()]);
  return {
    name: "rest",
    accept(exchange) {
      const path = pathOf(exchange);
      const match = table.match(exchange.method, path);
      if (match === undefined) throw noRoute(table.methodsAt(path));
      const { route } = match;
      const method = methods.get(route.method);
      if (method === undefined) throw new TypeError("a route has no method");
      return {
        method,
        readMessage: () => readRequest(exchange, match, method.maxMessageBytes),
        writeMessage(message, context) {
          const headers = context.responseHeader;
          setDefaults(headers);
          exchange.send({ status: 200, headers, body: writeJson(route.method.output, message) });
        },
      };
    },
    writeError: (exchange, error, context) => exchange.send(restError(error, context?.responseHeader)),
  };
}

/** An error in the form of REST. */
export function restError(error: CallError, headers: HeaderList = new HeaderList()): Answer & { body: string } {
  const { status, body } = toRest(error);
  for (const [name, value] of errorHeaders(error)) headers.set(name, value);
  setDefaults(headers);
  return { status, headers, body };
}

function setDefaults(headers: HeaderList): void {
  if (!headers.has("Content-Type")) headers.set("Content-Type", "application/json");
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
}

/** The error for an unknown path, or for a known path and another HTTP method. */
export function noRoute(methods: readonly string[]): AuthError {
  if (methods.length === 0) return new AuthError("not_found", "there is nothing at this path on this listener");
  const allow = methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  return new AuthError("method_not_allowed", `this path takes ${methods.join(" or ")} only`, { allow });
}

function writeJson(desc: DescMessage, message: MessageShape<DescMessage>): string {
  return JSON.stringify(toJson(desc, message, { alwaysEmitImplicit: true, useProtoFieldName: true }));
}

/** Reads the body, then the query, then the path, which overrides the others (google/api/http.proto). */
async function readRequest(
  exchange: Exchange,
  { route, values }: RouteMatch,
  maxBytes: number,
): Promise<MessageShape<DescMessage>> {
  const { input } = route.method;
  if (route.body !== undefined) checkJsonHeaders(exchange);
  const body: JsonValue = route.body === undefined ? {} : parseJson(await exchange.readBody(maxBytes));
  // A body that is not an object has its own error.
  if (route.body === "*" && (values.length === 0 || !isObject(body))) return readMessage(input, body);

  const json: JsonObject = route.body === "*" && isObject(body) ? { ...body } : {};
  if (route.body !== undefined && route.body !== "*") json[route.body.name] = body;
  if (route.body !== "*") setParameters(json, exchange, route);
  for (const [at, path] of route.bound.entries()) setField(json, path, values.slice(at, at + 1));
  return readMessage(input, json);
}

function setParameters(json: JsonObject, { target }: Exchange, { method, body, bound }: Route): void {
  const mark = target.indexOf("?");
  if (mark === -1) return;
  for (const [name, values] of readQuery(target.slice(mark + 1))) {
    const [first = ""] = name.split(".", 1);
    if (body !== undefined && body !== "*" && (first === body.name || first === body.jsonName)) continue;
    const path = findFieldPath(method.input, name);
    // Unknown names are ignored, as in a body.
    if (path === undefined) continue;
    const field = formatFieldPath(path);
    if (!bound.some((other) => formatFieldPath(other) === field)) setField(json, path, values);
  }
}

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.-]+\+)?json\s*(?:;|,|$)/i;

/** @throws AuthError `unsupported_media_type` */
function checkJsonHeaders({ headers }: Exchange): void {
  const type = headers["content-type"] ?? "";
  if (type !== "" && !JSON_TYPE.test(type)) {
    throw unsupportedMediaType(type, "application/json or leave the header out");
  }
  const coding = headers["content-encoding"] ?? "";
  if (coding !== "" && coding !== "identity") {
    throw new AuthError("unsupported_media_type", "the body has a Content-Encoding. Send it as it is");
  }
}
