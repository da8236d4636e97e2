// Pages of other origins (fetch.spec.whatwg.org, "CORS protocol"), never with credentials.

import type { Exchange, HeaderField } from "../protocols/exchange.ts";

/** Origins as browsers send them; `*` is every one. */
export type CorsOrigins = readonly string[] | "*";

/** The pages that may read an answer: of any origin, or of the allowed origins. */
export type Readers = "anyone" | "allowed";

const REQUEST_HEADERS = [
  "Content-Type",
  "Authorization",
  "X-Access-Token",
  "If-None-Match",
  "Connect-Protocol-Version",
  "Connect-Timeout-Ms",
  "Grpc-Timeout",
  "X-Grpc-Web",
  "X-User-Agent",
].join(", ");
/** A page reads no other header than these and the safelisted ones. */
const EXPOSED_HEADERS = [
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "X-RateLimit-Reset",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
  "X-Request-Id",
  "ETag",
  "Grpc-Status",
  "Grpc-Message",
  "Grpc-Status-Details-Bin",
].join(", ");
/** In seconds; browsers cap it at two hours. */
const PREFLIGHT_MAX_AGE = "7200";

/**
 * Lets a page read the answer to its request, if its origin is allowed.
 * @returns whether it was a preflight, which is answered
 */
export function shareWithPage(exchange: Exchange, readers: Readers | undefined, origins: CorsOrigins): boolean {
  const { origin } = exchange.headers;
  const isForAll = readers === "anyone" || origins === "*";
  if (readers === undefined || origin === undefined || !(isForAll || origins.includes(origin))) return false;
  const shared: HeaderField[] = [["Access-Control-Allow-Origin", isForAll ? "*" : origin]];
  if (!isForAll) shared.push(["Vary", "Origin"]);
  if (exchange.method === "OPTIONS" && exchange.headers["access-control-request-method"] !== undefined) {
    const headers: HeaderField[] = [
      ...shared,
      ["Access-Control-Allow-Methods", readers === "anyone" ? "GET" : "GET, POST"],
      ["Access-Control-Allow-Headers", REQUEST_HEADERS],
      ["Access-Control-Max-Age", PREFLIGHT_MAX_AGE],
    ];
    exchange.send({ status: 204, headers, body: "" });
    return true;
  }
  exchange.addHeaders([...shared, ["Access-Control-Expose-Headers", EXPOSED_HEADERS]]);
  return false;
}
