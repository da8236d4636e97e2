// HTTP/2 resets in the clear: no request, reset at any place of its frames with any code, ends a listener.

import { describe, test } from "vitest";
import { requests } from "./http2-requests.ts";
import { endConnections, resetAtOnce, resetWhileAnswered, resetWhileRead } from "./http2-resets.ts";
import { shareGateway } from "./shared-gateway.ts";

const { expectToOutlive, expectQuietEnd } = shareGateway();

describe.each(["public", "internal"] as const)("the %s listener outlives", (listener) => {
  const makers = Object.entries(requests[listener]);
  test.each(makers)("resets of %s at once", (_, make) => expectToOutlive(listener, resetAtOnce, make));
  test.each(makers)("resets of %s before its body", (_, make) => expectToOutlive(listener, resetWhileRead, make));
  test.each(makers)("resets of %s after HEADERS of its answer", (_, make) =>
    expectToOutlive(listener, resetWhileAnswered, make),
  );
  test.each(makers)("connections that end at %s", (_, make) => expectToOutlive(listener, endConnections, make));
});

test("resets are no fault in the log", expectQuietEnd);
