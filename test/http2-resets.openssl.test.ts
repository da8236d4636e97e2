// HTTP/2 resets in the clear and over TLS: no request, reset at any stage, with any code, ends a listener.

import { join } from "node:path";
import { describe, test } from "vitest";
import { makeCertificates } from "./http/certificates.ts";
import { type RequestName, requestsOf } from "./http2-requests.ts";
import { RESETS } from "./http2-resets.ts";
import { shareGateway } from "./shared-gateway.ts";

const pems = makeCertificates({ server: "ecdsa" });
const tls = { cert: join(pems, "server.crt"), key: join(pems, "server.key") };

/** Requests whose answers are written differently over TLS. */
const OVER_TLS = ["a REST login", "the OpenAPI document", "a gRPC login", "a health watch"] as const;
// Only `npm run siege` sends every kind of request.
const IN_THE_CLEAR = [
  ...OVER_TLS,
  "a request that expects 100-continue",
  "a request that expects something else",
  "an unknown path",
  "forward-auth of a valid token",
  "a Connect login",
  "a gRPC-Web login",
  "a gRPC call of an unknown path",
  "a gRPC call of an unknown content type",
] as const;

describe.each<[string, { cert: string; key: string } | undefined, readonly RequestName[]]>([
  ["in the clear", undefined, IN_THE_CLEAR],
  ["over TLS", tls, OVER_TLS],
])("%s", (_, certificate, names) => {
  const { expectToSurvive, expectQuietEnd } = shareGateway(certificate);

  describe.each(["public", "internal"] as const)("the %s listener survives", (listener) => {
    const makers = requestsOf(listener, names);
    test.each(Object.entries(RESETS))("%s", async (_, attack) => {
      for (const make of makers) await expectToSurvive(listener, attack, make);
    });
  });

  test("resets leave no fault in the log", expectQuietEnd);
});
