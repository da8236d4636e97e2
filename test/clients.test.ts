// Clients that are not ours: buf curl, on both listeners, in each protocol it speaks.

import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { signLogin } from "../src/cli/sign.ts";
import { CUSTOMER_KEY, startTestGateway } from "./gateway.ts";

test("buf curl logs in over Connect, gRPC-Web and gRPC on both listeners", { timeout: 60_000 }, async () => {
  const { enrol, publicUrl, internalUrl } = await startTestGateway();
  const deviceKey = await enrol();
  for (const url of [publicUrl, internalUrl]) {
    for (const protocol of [["connect"], ["grpcweb"], ["grpc", "--http2-prior-knowledge"]]) {
      const login = signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000));
      const method = `${url}/countersign.auth.v1.AuthService/Login`;
      const buf = spawn(process.execPath, [
        "node_modules/@bufbuild/buf/bin/buf",
        ...["curl", "--schema", "proto", "--protocol", ...protocol, "--data", "@-", method],
      ]);
      buf.stdin.end(JSON.stringify(login));
      const [answer, complaint] = await Promise.all([text(buf.stdout), text(buf.stderr)]);
      expect([protocol, complaint]).toEqual([protocol, ""]);
      expect(JSON.parse(answer)).toEqual({ token: expect.stringMatching(/^eyJ/), expiresIn: 600 });
    }
  }
});
