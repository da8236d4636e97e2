// Requests to attack with, over HTTP/1 and as HTTP/2 frames.

import { assertionClaims, byHmac, makeAssertion } from "../core/assertions.ts";
import { get, type RawRequest, request, requests } from "../http2-requests.ts";
import type { Target } from "./target.ts";

/** A well-formed login of a device that does not exist. */
const LOGIN = { device_key: "nobody", timestamp: 1_764_000_000, device_signature: "0".repeat(64) };

export const LOGIN_BODY = Buffer.from(JSON.stringify(LOGIN));

/** A client assertion of a device that does not exist. */
const ASSERTION = makeAssertion(byHmac("none"), assertionClaims(LOGIN.device_key, LOGIN.timestamp));
const TOKEN_FORM = new URLSearchParams({
  grant_type: "client_credentials",
  client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  client_assertion: ASSERTION,
});
const FROM_PAGE = { "x-countersign-dashboard": "1" };

/** Signs in to the dashboard. @returns the session's cookie */
export async function openSession({ internalUrl, adminToken }: Target): Promise<string> {
  const body = JSON.stringify({ token: adminToken });
  const answer = await fetch(new URL("/dashboard/sign-in", internalUrl), { method: "POST", headers: FROM_PAGE, body });
  const [cookie = ""] = answer.headers.get("set-cookie")?.split(";", 1) ?? [];
  if (cookie === "") throw new Error(`the dashboard answered ${answer.status}`);
  return cookie;
}

/** A request for a token, a sign-in to the dashboard, and a call with its session; the last two at the internal listener. */
function signIns({ adminToken }: Target, session: string): readonly RawRequest[] {
  const json = { "content-type": "application/json", ...FROM_PAGE };
  return [
    request(
      "POST",
      "/oauth2/token",
      { "content-type": "application/x-www-form-urlencoded" },
      Buffer.from(String(TOKEN_FORM)),
    ),
    request("POST", "/dashboard/sign-in", json, Buffer.from(JSON.stringify({ token: adminToken }))),
    get("/v1/customers", { cookie: session, ...FROM_PAGE }),
  ];
}

/** Requests of each kind that the listener serves. */
export function http2Requests(
  listener: "publicUrl" | "internalUrl",
  target: Target,
  session = "countersign-session=none",
): readonly RawRequest[] {
  const makers = Object.values(requests[listener === "publicUrl" ? "public" : "internal"]);
  const made = makers.map((make) => make({ login: LOGIN, token: "ey.ey.ey", adminToken: target.adminToken }));
  return [...made, ...signIns(target, session)];
}

export function login(): RawRequest {
  return request("POST", "/auth/login", { "content-type": "application/json" }, LOGIN_BODY);
}

/** An HTTP/1 request; its body has a Content-Length. */
export function http1(start: string, headers: readonly string[], body: Uint8Array = Buffer.alloc(0)): Buffer {
  const length = body.length === 0 ? [] : [`Content-Length: ${body.length}`];
  const head = [start, "Host: localhost", ...headers, ...length].join("\r\n");
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]);
}

/** The same request over HTTP/1. */
function toHttp1({ headers, body }: RawRequest): Buffer {
  const { ":method": method, ":path": path = "localhost:1" } = headers;
  const fields = Object.entries(headers).filter(([name]) => !name.startsWith(":"));
  const lines = fields.map((field) => field.join(": "));
  return http1(`${method} ${path} HTTP/1.1`, lines, body);
}

const JSON_TYPE = "Content-Type: application/json";

/** The same requests over HTTP/1, and those that exist only there. */
export function http1Requests(target: Target, session: string): readonly Buffer[] {
  const chunked = Buffer.from(`${LOGIN_BODY.length.toString(16)};a=b\r\n${LOGIN_BODY}\r\n0\r\nTrailer: a\r\n\r\n`);
  return [
    ...http2Requests("internalUrl", target, session).map(toHttp1),
    http1("POST /auth/login HTTP/1.0", [JSON_TYPE, JSON_TYPE], LOGIN_BODY),
    Buffer.concat([http1("POST /auth/login HTTP/1.1", [JSON_TYPE, "Transfer-Encoding: chunked"]), chunked]),
    http1("GET /auth/check HTTP/1.1", ["Authorization: Bearer ey.ey.ey", "X-Forwarded-For: 10.0.0.1"]),
    http1("GET /v1/customers?page_size=2&filter=a HTTP/1.1", [`Authorization: Bearer ${target.adminToken}`]),
    http1("GET /metrics HTTP/1.1", ["Connection: close"]),
  ];
}
