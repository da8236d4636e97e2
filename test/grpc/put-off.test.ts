// The token client reports an error that carries a wait, and does not retry by itself.

import { createServiceImplSpec } from "@connectrpc/connect";
import { status } from "@grpc/grpc-js";
import { expect, onTestFinished, test } from "vitest";
import { TokenService } from "../../gen/es/countersign/token/v1/token_pb.ts";
import { AuthError, type Reason } from "../../src/core/errors.ts";
import { createTokenClient } from "../../src/grpc/token-client.ts";
import { TOKEN_MESSAGE_BYTES } from "../../src/services/token.ts";
import { mountAll } from "../protocols/mount.ts";

test.each<[Reason, status]>([
  ["unavailable", status.UNAVAILABLE],
  ["rate_limited", status.RESOURCE_EXHAUSTED],
])("reports %s once, with its wait", async (reason, code) => {
  let calls = 0;
  const spec = createServiceImplSpec<typeof TokenService>(TokenService, {
    verify() {
      calls++;
      throw new AuthError(reason, "not now", { retryAfterMs: 2_000 });
    },
  });
  const listener = await mountAll([{ spec, maxMessageBytes: TOKEN_MESSAGE_BYTES }]);
  onTestFinished(() => listener.close(0));
  const client = createTokenClient({ url: listener.url });
  onTestFinished(() => client.close());
  await expect(client.verify("a-token")).rejects.toMatchObject({ code, reason, particulars: { retryAfterMs: 2_000 } });
  expect(calls).toBe(1);
});
