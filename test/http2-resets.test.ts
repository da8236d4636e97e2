// HTTP/2 resets in the clear: no request, reset at any stage, with any code, ends a listener.

import { describe, test } from "vitest";
import { requestsOf } from "./http2-requests.ts";
import { RESETS } from "./http2-resets.ts";
import { shareGateway } from "./shared-gateway.ts";

const { expectToSurvive, expectQuietEnd } = shareGateway();

// Only `npm run siege` sends every kind of request.
describe.each(["public", "internal"] as const)("the %s listener survives", (listener) => {
  const makers = requestsOf(listener, [
    "a request that expects 100-continue",
    "a request that expects something else",
    "a REST login",
    "an unknown path",
    "the OpenAPI document",
    "forward-auth of a valid token",
    "a Connect login",
    "a gRPC-Web login",
    "a gRPC login",
    "a gRPC call of an unknown path",
    "a gRPC call of an unknown content type",
    "a health watch",
  ]);
  test.each(Object.entries(RESETS))("%s", async (_, attack) => {
    for (const make of makers) await expectToSurvive(listener, attack, make);
  });
});

test("resets leave no fault in the log", expectQuietEnd);
