// Requests that reach every code path that writes an answer.

import { LoginRequest } from "../../gen/grpc/countersign/auth/v1/auth.ts";
import { assertionClaims, byHmac, makeAssertion } from "../core/assertions.ts";
import { data, type HeaderFields, openStream } from "../frames.ts";
import { envelope } from "../protocols/hand.ts";
import type { Target } from "./attack.ts";

export interface RawRequest {
  readonly headers: HeaderFields;
  /** Absent if the HEADERS are the whole request. */
  readonly body?: Buffer;
}

const AUTH = "/countersign.auth.v1.AuthService";
const ADMIN = "/countersign.admin.v1.AdminService";
const JSON_TYPE = { "content-type": "application/json" };
const FROM_PAGE = { "x-countersign-dashboard": "1" };
const NO_MESSAGE: Uint8Array = new Uint8Array();

function request(method: string, path: string, headers: HeaderFields = {}, body?: Buffer): RawRequest {
  const pseudo = { ":method": method, ":scheme": "http", ":path": path, ":authority": "localhost" };
  return { headers: { ...pseudo, ...headers }, ...(body && { body }) };
}

export const get = (path: string, headers: HeaderFields = {}): RawRequest => request("GET", path, headers);

const post = (path: string, body: string, headers: HeaderFields = {}): RawRequest =>
  request("POST", path, headers, Buffer.from(body));

/** A REST or Connect call. */
const json = (path: string, message: object, headers: HeaderFields = {}): RawRequest =>
  post(path, JSON.stringify(message), { ...JSON_TYPE, ...headers });

/** A gRPC or gRPC-Web call of one message. */
const call = (path: string, message: Uint8Array, type: string, headers: HeaderFields = {}): RawRequest =>
  request("POST", path, { "content-type": type, te: "trailers", ...headers }, envelope(message));

export const grpc = (path: string, message: Uint8Array = NO_MESSAGE, headers: HeaderFields = {}): RawRequest =>
  call(path, message, "application/grpc", headers);

/** A well-formed login of a device that does not exist. */
const NOBODY = { device_key: "nobody", timestamp: 1_764_000_000, device_signature: "0".repeat(64) };
export const LOGIN_BODY = Buffer.from(JSON.stringify(NOBODY));
export const LOGIN = json("/auth/login", NOBODY);

/** A client assertion of a device that does not exist. */
const TOKEN_FORM = new URLSearchParams({
  grant_type: "client_credentials",
  client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  client_assertion: makeAssertion(byHmac("none"), assertionClaims(NOBODY.device_key, NOBODY.timestamp)),
});

/** The requests that a listener serves, by name. */
export function http2Requests(
  listener: "publicUrl" | "internalUrl",
  { login, token, adminToken, session }: Target,
): Readonly<Record<string, RawRequest>> {
  const message = LoginRequest.encode(LoginRequest.fromPartial(login)).finish();
  const bearer = (value: string): HeaderFields => ({ authorization: `Bearer ${value}` });
  const both = {
    "a request that expects 100-continue": post("/", "{}", { expect: "100-continue" }),
    "a login that expects 100-continue": json("/auth/login", login, { expect: "100-continue" }),
    "a request that expects something else": post("/", "{}", { expect: "else" }),
    CONNECT: { headers: { ":method": "CONNECT", ":authority": "localhost:1" } },
    "a REST login": json("/auth/login", login),
    "a REST login of an unknown device": LOGIN,
    "a REST request that is not JSON": post("/auth/login", "{"),
    "a REST request": get("/auth/time"),
    "a REST request with HEAD": request("HEAD", "/auth/time"),
    "a REST request with OPTIONS": request("OPTIONS", "/auth/login"),
    "an unknown path": get("/nothing"),
    "an unknown path with HEAD": request("HEAD", "/nothing"),
    "a method that the path does not take": get("/auth/login"),
    "the OpenAPI document": get("/openapi.json"),
    "the OpenAPI document, compressed": get("/openapi.json", { "accept-encoding": "gzip" }),
    "the OpenAPI document, not modified": get("/openapi.json", { "if-none-match": "*" }),
    "the OpenAPI document with HEAD": request("HEAD", "/openapi.json"),
    "the OpenAPI document with POST": post("/openapi.json", "{}"),
    "the liveness document": get("/livez"),
    "forward-auth of a valid token": get("/auth/check", bearer(token)),
    "forward-auth of an invalid token": get("/auth/check", bearer("bad")),
    "a request for a token": post("/oauth2/token", String(TOKEN_FORM), {
      "content-type": "application/x-www-form-urlencoded",
    }),
    "a Connect login": json(`${AUTH}/Login`, login),
    "a Connect call": json(`${AUTH}/GetServerTime`, {}),
    "a Connect call in protobuf": post(`${AUTH}/GetServerTime`, "", { "content-type": "application/proto" }),
    "a streaming call of Connect": post(`${AUTH}/Login`, "", { "content-type": "application/connect+proto" }),
    "an asterisk for a path": request("OPTIONS", "*"),
    "a Connect call of an unknown media type": json(`${AUTH}/Login`, {}, { "content-type": "text/plain" }),
    "a gRPC-Web call": call(`${AUTH}/GetServerTime`, NO_MESSAGE, "application/grpc-web+proto"),
    "a gRPC-Web login": call(`${AUTH}/Login`, message, "application/grpc-web+proto"),
    "a gRPC-Web call of an unknown path": call("/x/y", NO_MESSAGE, "application/grpc-web+proto"),
    "a gRPC call": grpc(`${AUTH}/GetServerTime`),
    "a gRPC login": grpc(`${AUTH}/Login`, message),
    "a gRPC call that does not decode": grpc(`${AUTH}/Login`, Buffer.of(0xff)),
    "a gRPC call of an unknown path": grpc("/x/y"),
    "a gRPC call of an unknown content type": call(`${AUTH}/Login`, NO_MESSAGE, "application/grpc+x"),
    "a gRPC call in JSON": call(`${AUTH}/GetServerTime`, Buffer.from("{}"), "application/grpc+json"),
    "a gRPC call with GET": get(`${AUTH}/Login`, { "content-type": "application/grpc" }),
    "a gRPC call with an invalid timeout": grpc(`${AUTH}/GetServerTime`, NO_MESSAGE, { "grpc-timeout": "soon" }),
    "a gRPC call with an unknown encoding": grpc(`${AUTH}/GetServerTime`, NO_MESSAGE, { "grpc-encoding": "x" }),
  };
  if (listener === "publicUrl") {
    return {
      ...both,
      "the JWKS": get("/.well-known/jwks.json"),
      "the JWKS with HEAD": request("HEAD", "/.well-known/jwks.json"),
      "the issuer's metadata": get("/.well-known/oauth-authorization-server"),
    };
  }
  return {
    ...both,
    "the metrics": get("/metrics"),
    "the readiness document": get("/readyz"),
    "an introspection": post("/oauth2/introspect", "token=bad"),
    "a sign-in to the dashboard": json("/dashboard/sign-in", { token: adminToken }, FROM_PAGE),
    "a REST call of the dashboard": get("/v1/customers", { cookie: session, ...FROM_PAGE }),
    "a REST call of an operator": get("/v1/customers?page_size=2&filter=a", bearer(adminToken)),
    "a REST call of a stranger": get("/v1/customers"),
    "a gRPC call of an operator": grpc(`${ADMIN}/ListCustomers`, NO_MESSAGE, bearer(adminToken)),
    "a gRPC call of a stranger": grpc(`${ADMIN}/ListCustomers`),
    "a health check": grpc("/grpc.health.v1.Health/Check"),
    "a health watch": grpc("/grpc.health.v1.Health/Watch"),
    // ServerReflectionRequest.list_services, which is field 7.
    "a reflection": grpc("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Buffer.of(0x3a, 1, 0x2a)),
  };
}

/** The frames of a whole request. */
export function framesOf(stream: number, { headers, body }: RawRequest): Buffer {
  if (body === undefined) return openStream(stream, headers);
  return Buffer.concat([openStream(stream, headers, false), data(stream, body)]);
}

/** An HTTP/1 request; its body has a Content-Length. */
export function http1(start: string, headers: readonly string[] = [], body: Uint8Array = Buffer.alloc(0)): Buffer {
  const length = body.length === 0 ? [] : [`Content-Length: ${body.length}`];
  const head = [start, "Host: localhost", ...headers, ...length].join("\r\n");
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}

/** The requests of the internal listener over HTTP/1, and those that exist only there. */
export function http1Requests(target: Target): readonly Buffer[] {
  const toHttp1 = ({ headers, body }: RawRequest): Buffer => {
    const { ":method": method, ":path": path = "localhost:1" } = headers;
    const fields = Object.entries(headers).filter(([name]) => !name.startsWith(":"));
    return http1(
      `${method} ${path} HTTP/1.1`,
      fields.map((field) => field.join(": ")),
      body,
    );
  };
  const type = "Content-Type: application/json";
  const chunked = Buffer.from(`${LOGIN_BODY.length.toString(16)};a=b\r\n${LOGIN_BODY}\r\n0\r\nTrailer: a\r\n\r\n`);
  return [
    ...Object.values(http2Requests("internalUrl", target)).map(toHttp1),
    http1("POST /auth/login HTTP/1.0", [type, type], LOGIN_BODY),
    Buffer.concat([http1("POST /auth/login HTTP/1.1", [type, "Transfer-Encoding: chunked"]), chunked]),
    http1("GET /auth/check HTTP/1.1", ["Authorization: Bearer ey.ey.ey", "X-Forwarded-For: 10.0.0.1"]),
    http1("GET /metrics HTTP/1.1", ["Connection: close"]),
  ];
}
