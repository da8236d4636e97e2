// Requests to attack with, over HTTP/1 and as HTTP/2 frames.

import { data, openStream } from "../frames.ts";
import { type RawRequest, requests } from "../http2-requests.ts";
import type { Target } from "./target.ts";

const AUTH = "/countersign.auth.v1.AuthService";
/** A well-formed login of a device that does not exist. */
const LOGIN = { device_key: "nobody", timestamp: 1_764_000_000, device_signature: "0".repeat(64) };

export const LOGIN_BODY = Buffer.from(JSON.stringify(LOGIN));

/** Requests of each kind that the listener serves. */
export function http2Requests(listener: "publicUrl" | "internalUrl", { adminToken }: Target): readonly RawRequest[] {
  const makers = Object.values(requests[listener === "publicUrl" ? "public" : "internal"]);
  return makers.map((make) => make({ login: LOGIN, token: "ey.ey.ey", adminToken }));
}

/** The frames of a whole request. */
export function framesOf(stream: number, { headers, body }: RawRequest): Buffer {
  if (body === undefined) return openStream(stream, headers);
  return Buffer.concat([openStream(stream, headers, false), data(stream, body)]);
}

export function get(path: string): RawRequest {
  return { headers: { ":method": "GET", ":scheme": "http", ":path": path, ":authority": "localhost" } };
}

/** A login with a body of its own. */
export function login(body: Buffer = LOGIN_BODY): RawRequest {
  const pseudo = { ":method": "POST", ":scheme": "http", ":path": "/auth/login", ":authority": "localhost" };
  return { headers: { ...pseudo, "content-type": "application/json" }, body };
}

/** An HTTP/1 request; its body has a Content-Length. */
export function http1(start: string, headers: readonly string[], body: Uint8Array = Buffer.alloc(0)): Buffer {
  const length = body.length === 0 ? [] : [`Content-Length: ${body.length}`];
  const head = [start, "Host: localhost", ...headers, ...length].join("\r\n");
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}

const JSON_TYPE = "Content-Type: application/json";

/** HTTP/1 requests of each kind. */
export function http1Requests({ adminToken }: Target): readonly Buffer[] {
  const chunked = Buffer.from(`${LOGIN_BODY.length.toString(16)};a=b\r\n${LOGIN_BODY}\r\n0\r\nTrailer: a\r\n\r\n`);
  const bearer = `Authorization: Bearer ${adminToken}`;
  return [
    http1("POST /auth/login HTTP/1.1", [JSON_TYPE], LOGIN_BODY),
    http1("POST /auth/login HTTP/1.0", [JSON_TYPE, JSON_TYPE], LOGIN_BODY),
    http1("POST /auth/login HTTP/1.1", [JSON_TYPE, "Expect: 100-continue"], LOGIN_BODY),
    Buffer.concat([http1("POST /auth/login HTTP/1.1", [JSON_TYPE, "Transfer-Encoding: chunked"]), chunked]),
    http1(`POST ${AUTH}/Login HTTP/1.1`, [JSON_TYPE, "Connect-Timeout-Ms: 1000"], LOGIN_BODY),
    http1(`POST ${AUTH}/GetServerTime HTTP/1.1`, ["Content-Type: application/grpc-web+proto"], Buffer.alloc(5)),
    http1("GET /openapi.json HTTP/1.1", ["Accept-Encoding: gzip", 'If-None-Match: "a"']),
    http1("HEAD /.well-known/jwks.json HTTP/1.1", []),
    http1("OPTIONS /auth/login HTTP/1.1", []),
    http1("GET /auth/check HTTP/1.1", ["Authorization: Bearer ey.ey.ey", "X-Forwarded-For: 10.0.0.1"]),
    http1("GET /v1/customers?page_size=2&filter=a HTTP/1.1", [bearer]),
    http1("POST /v1/customers HTTP/1.1", [bearer, JSON_TYPE], Buffer.from('{"customer_id": "a b"}')),
    http1("POST /oauth2/introspect HTTP/1.1", [bearer], Buffer.from("token=ey.ey.ey")),
    http1("GET /metrics HTTP/1.1", ["Connection: close"]),
  ];
}
