// Reads that a gateway puts off: its own transports' answer, with a wait, is for the caller, and is not asked for again.

import { createServiceImplSpec, type ServiceImpl } from "@connectrpc/connect";
import { status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { AuthError, type Reason } from "../../src/core/errors.ts";
import { createTokenClient } from "../../src/grpc/token-client.ts";
import { TOKEN_MESSAGE_BYTES } from "../../src/services/token.ts";
import { mountAll } from "../transports/mount.ts";

test.each<["native" | "shared", Reason, status]>([
  ["native", "unavailable", status.UNAVAILABLE],
  ["shared", "unavailable", status.UNAVAILABLE],
  ["native", "rate_limited", status.RESOURCE_EXHAUSTED],
])("over the %s port, %s comes once, with its wait", async (port, reason, code) => {
  let calls = 0;
  const verify: ServiceImpl<typeof TokenService>["verify"] = () => {
    calls++;
    throw new AuthError(reason, "not now", { retryAfterMs: 2_000 });
  };
  const spec = createServiceImplSpec<typeof TokenService>(TokenService, { verify });
  const mounted = await mountAll([{ spec, maxMessageBytes: TOKEN_MESSAGE_BYTES }]);
  onTestFinished(() => mounted.close());
  const client = createTokenClient({ url: mounted[port].url });
  onTestFinished(() => client.close());
  await expect(client.verify("a-token")).rejects.toMatchObject({ code, reason, particulars: { retryAfterMs: 2_000 } });
  expect(calls).toBe(1);
});
