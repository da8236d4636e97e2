// HTTP/2 resets by TLS: the requests that are answered in ways of their own.

import { join } from "node:path";
import { describe, test } from "vitest";
import { makeCertificates } from "./http/certificates.ts";
import { type RequestName, requests } from "./http2-requests.ts";
import { endConnections, resetAtOnce, resetWhileAnswered, resetWhileRead } from "./http2-resets.ts";
import { shareGateway } from "./shared-gateway.ts";

const pems = makeCertificates({ server: "ecdsa" });
const tls = { cert: join(pems, "server.crt"), key: join(pems, "server.key") };
const { expectToOutlive, expectQuietEnd } = shareGateway(tls);

const SELECTED: readonly RequestName[] = [
  "a request that expects 100-continue",
  "a REST login",
  "an unknown path",
  "the OpenAPI document",
  "forward-auth of a good token",
  "a Connect login",
  "a gRPC-Web login",
  "a gRPC login",
  "a gRPC call of an unknown path",
  "a gRPC call of a bad content type",
  "a health watch",
];

describe.each(["public", "internal"] as const)("the %s listener outlives, by TLS,", (listener) => {
  const makers = Object.entries(requests[listener]).filter(([name]) => SELECTED.some((selected) => selected === name));
  test.each(makers)("resets of %s at once", (_, make) => expectToOutlive(listener, resetAtOnce, make));
  test.each(makers)("resets of %s before its body", (_, make) => expectToOutlive(listener, resetWhileRead, make));
  test.each(makers)("resets of %s after HEADERS of its answer", (_, make) =>
    expectToOutlive(listener, resetWhileAnswered, make),
  );
  test.each(makers)("connections that end at %s", (_, make) => expectToOutlive(listener, endConnections, make));
});

test("resets by TLS are no fault in the log", expectQuietEnd);
