// Requests that reach every code path that writes an HTTP/2 answer.

import { LoginRequest } from "../gen/grpc/countersign/auth/v1/auth.ts";
import type { LoginBody } from "../src/cli/sign.ts";
import { data, type HeaderFields, openStream } from "./frames.ts";
import { envelope } from "./protocols/hand.ts";

export interface RawRequest {
  readonly headers: HeaderFields;
  /** Absent if the HEADERS are the whole request. */
  readonly body?: Buffer;
}

/** The parts that requests are made of. */
export interface Credentials {
  readonly login: LoginBody;
  readonly token: string;
  readonly adminToken: string;
}

export type RequestMaker = (credentials: Credentials) => RawRequest;

const AUTH = "/countersign.auth.v1.AuthService";
const NO_MESSAGE: Uint8Array = new Uint8Array();

export function request(method: string, path: string, headers: HeaderFields = {}, body?: Buffer): RawRequest {
  const pseudo = { ":method": method, ":scheme": "http", ":path": path, ":authority": "localhost" };
  return { headers: { ...pseudo, ...headers }, ...(body && { body }) };
}

export const get = (path: string, headers: HeaderFields = {}): RawRequest => request("GET", path, headers);

/** The frames of a whole request. */
export function framesOf(stream: number, { headers, body }: RawRequest): Buffer {
  if (body === undefined) return openStream(stream, headers);
  return Buffer.concat([openStream(stream, headers, false), data(stream, body)]);
}

/** A gRPC or gRPC-Web call of one message. */
function call(path: string, message: Uint8Array, type: string, headers: HeaderFields = {}): RawRequest {
  return request("POST", path, { "content-type": type, te: "trailers", ...headers }, envelope(message));
}

const grpc = (path: string, message: Uint8Array = NO_MESSAGE, headers: HeaderFields = {}): RawRequest =>
  call(path, message, "application/grpc", headers);

const connect = (path: string, message: object, headers: HeaderFields = {}): RawRequest =>
  request("POST", path, { "content-type": "application/json", ...headers }, Buffer.from(JSON.stringify(message)));

const onBoth = {
  "a request that expects 100-continue": () => request("POST", "/", { expect: "100-continue" }, Buffer.from("{}")),
  "a login that expects 100-continue": ({ login }) => connect("/auth/login", login, { expect: "100-continue" }),
  "a request that expects something else": () => request("POST", "/", { expect: "else" }, Buffer.from("{}")),
  CONNECT: () => ({ headers: { ":method": "CONNECT", ":authority": "localhost:1" } }),
  "a REST login": ({ login }) => connect("/auth/login", login),
  "a REST request that is not JSON": () => request("POST", "/auth/login", {}, Buffer.from("{")),
  "a REST request": () => get("/auth/time"),
  "a REST request with HEAD": () => request("HEAD", "/auth/time"),
  "a REST request with OPTIONS": () => request("OPTIONS", "/auth/login"),
  "an unknown path": () => get("/nothing"),
  "an unknown path with HEAD": () => request("HEAD", "/nothing"),
  "a method that the path does not take": () => get("/auth/login"),
  "the OpenAPI document": () => get("/openapi.json"),
  "the OpenAPI document, compressed": () => get("/openapi.json", { "accept-encoding": "gzip" }),
  "the OpenAPI document, not modified": () => get("/openapi.json", { "if-none-match": "*" }),
  "the OpenAPI document with HEAD": () => request("HEAD", "/openapi.json"),
  "the OpenAPI document with POST": () => request("POST", "/openapi.json", {}, Buffer.from("{}")),
  "the liveness document": () => get("/livez"),
  "forward-auth of a valid token": ({ token }) => get("/auth/check", { authorization: `Bearer ${token}` }),
  "forward-auth of an invalid token": () => get("/auth/check", { authorization: "Bearer bad" }),
  "a Connect login": ({ login }) => connect(`${AUTH}/Login`, login),
  "a Connect call": () => connect(`${AUTH}/GetServerTime`, {}),
  "a Connect call of an unknown media type": () => connect(`${AUTH}/Login`, {}, { "content-type": "text/plain" }),
  "a gRPC-Web call": () => call(`${AUTH}/GetServerTime`, NO_MESSAGE, "application/grpc-web+proto"),
  "a gRPC-Web login": ({ login }) => call(`${AUTH}/Login`, encodeLogin(login), "application/grpc-web+proto"),
  "a gRPC-Web call of an unknown path": () => call("/x/y", NO_MESSAGE, "application/grpc-web+proto"),
  "a gRPC call": () => grpc(`${AUTH}/GetServerTime`),
  "a gRPC login": ({ login }) => grpc(`${AUTH}/Login`, encodeLogin(login)),
  "a gRPC call that does not decode": () => grpc(`${AUTH}/Login`, Buffer.of(0xff)),
  "a gRPC call of an unknown path": () => grpc("/x/y"),
  "a gRPC call of an unknown content type": () => call(`${AUTH}/Login`, NO_MESSAGE, "application/grpc+x"),
  "a gRPC call with GET": () => get(`${AUTH}/Login`, { "content-type": "application/grpc" }),
  "a gRPC call with an invalid timeout": () => grpc(`${AUTH}/GetServerTime`, NO_MESSAGE, { "grpc-timeout": "soon" }),
  "a gRPC call with an unknown encoding": () => grpc(`${AUTH}/GetServerTime`, NO_MESSAGE, { "grpc-encoding": "x" }),
} satisfies Readonly<Record<string, RequestMaker>>;

/** By listener and name. */
export const requests = {
  public: {
    ...onBoth,
    "the JWKS": () => get("/.well-known/jwks.json"),
    "the JWKS with HEAD": () => request("HEAD", "/.well-known/jwks.json"),
    "the issuer's metadata": () => get("/.well-known/oauth-authorization-server"),
  },
  internal: {
    ...onBoth,
    "the metrics": () => get("/metrics"),
    "the readiness document": () => get("/readyz"),
    "an introspection": () => request("POST", "/oauth2/introspect", {}, Buffer.from("token=bad")),
    "a REST call of an operator": ({ adminToken }) => get("/v1/customers", { authorization: `Bearer ${adminToken}` }),
    "a REST call of a stranger": () => get("/v1/customers"),
    "a gRPC call of an operator": ({ adminToken }) =>
      grpc("/countersign.admin.v1.AdminService/ListCustomers", NO_MESSAGE, { authorization: `Bearer ${adminToken}` }),
    "a gRPC call of a stranger": () => grpc("/countersign.admin.v1.AdminService/ListCustomers"),
    "a health check": () => grpc("/grpc.health.v1.Health/Check"),
    "a health watch": () => grpc("/grpc.health.v1.Health/Watch"),
    // ServerReflectionRequest.list_services, which is field 7.
    "a reflection": () => grpc("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", Buffer.of(0x3a, 1, 0x2a)),
  },
} satisfies Readonly<Record<string, Readonly<Record<string, RequestMaker>>>>;

export type RequestName = keyof typeof requests.public | keyof typeof requests.internal;

/** The named requests that a listener serves. */
export function requestsOf(listener: keyof typeof requests, names: readonly RequestName[]): readonly RequestMaker[] {
  const makers = Object.entries(requests[listener]);
  return makers.filter(([name]) => names.some((selected) => selected === name)).map(([, make]) => make);
}

/** A LoginRequest in protobuf. */
function encodeLogin(login: LoginBody): Uint8Array {
  return LoginRequest.encode(LoginRequest.fromPartial(login)).finish();
}
