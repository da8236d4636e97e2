// The warning about an internal listener that other machines reach without TLS.

import { describe, expect, test } from "vitest";
import { isExposed } from "../src/app/listeners.ts";
import { serve, temporaryFolder } from "./program.ts";

describe("an internal listener is exposed", () => {
  test.for([
    ["http://0.0.0.0:9090", true],
    ["http://192.0.2.1:9090", true],
    ["http://[::]:9090", true],
    ["http://[2001:db8::1]:9090", true],
    ["http://[::ffff:192.0.2.1]:9090", true],
    ["http://127.0.0.1:9090", false],
    ["http://127.8.0.1:9090", false],
    ["http://[::1]:9090", false],
    ["http://[::ffff:127.0.0.1]:9090", false],
    ["https://0.0.0.0:9090", false],
    [undefined, false],
  ] as const)("at %s: %s", ([url, exposed]) => {
    expect(isExposed(url)).toBe(exposed);
  });
});

test("an exposed listener is warned of once", async () => {
  const env = { COUNTERSIGN_INTERNAL_LISTEN: "0.0.0.0:0" };
  const { internalUrl, log, end } = await serve(temporaryFolder(), { env });
  await end("SIGTERM");
  const warnings = log()
    .split("\n")
    .filter((line) => line.includes('"level":40'));
  expect(warnings.map((line) => JSON.parse(line))).toMatchObject([
    { internal: internalUrl, msg: expect.stringContaining("COUNTERSIGN_TLS_CERT") },
  ]);
});
