// Python's grpcio, with code generated from a bare copy of proto/ by somebody else's plugins.

import { spawn, spawnSync } from "node:child_process";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { signLogin } from "../src/cli/sign.ts";
import { CUSTOMER_KEY, startTestGateway } from "./gateway.ts";
import { temporaryFolder } from "./program.ts";

test("grpcio logs in on both listeners", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  cpSync("proto", join(folder, "proto"), { recursive: true });
  // Not one plugin of ours: protoc's own for the messages, grpc's for the stubs.
  const template = {
    version: "v2",
    plugins: [
      { protoc_builtin: "python", out: "python" },
      { local: "/usr/bin/grpc_python_plugin", out: "python" },
    ],
  };
  const generated = spawnSync(
    process.execPath,
    [resolve("node_modules/@bufbuild/buf/bin/buf"), "generate", "proto", "--template", JSON.stringify(template)],
    { cwd: folder, encoding: "utf8" },
  );
  expect(generated.stderr).toBe("");

  const { enrol, publicUrl, internalUrl } = await startTestGateway();
  const deviceKey = await enrol();
  for (const url of [publicUrl, internalUrl]) {
    const python = spawn("/usr/bin/python3", [resolve("test/clients/login.py"), new URL(url).host], {
      env: { PYTHONPATH: join(folder, "python"), PYTHONDONTWRITEBYTECODE: "1" },
    });
    python.stdin.end(
      JSON.stringify(signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000))),
    );
    const [answer, complaint] = await Promise.all([text(python.stdout), text(python.stderr)]);
    expect(complaint).toBe("");
    expect(JSON.parse(answer)).toEqual({ token: expect.stringMatching(/^eyJ/), expires_in: 600, limit: "10" });
  }
});
