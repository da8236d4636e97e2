// HTTP/2 resets over TLS, for requests whose answers are written differently.

import { join } from "node:path";
import { describe, test } from "vitest";
import { makeCertificates } from "./http/certificates.ts";
import { requestsOf } from "./http2-requests.ts";
import { RESETS } from "./http2-resets.ts";
import { shareGateway } from "./shared-gateway.ts";

const pems = makeCertificates({ server: "ecdsa" });
const tls = { cert: join(pems, "server.crt"), key: join(pems, "server.key") };
const { expectToSurvive, expectQuietEnd } = shareGateway(tls);

describe.each(["public", "internal"] as const)("over TLS the %s listener survives", (listener) => {
  const makers = requestsOf(listener, ["a REST login", "the OpenAPI document", "a gRPC login", "a health watch"]);
  test.each(Object.entries(RESETS))("%s", async (_, attack) => {
    for (const make of makers) await expectToSurvive(listener, attack, make);
  });
});

test("resets over TLS leave no fault in the log", expectQuietEnd);
