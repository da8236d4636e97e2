// The programs of docs/grpc-clients.md, each run at a gateway: nothing is changed in them but where things are.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";
import { installPacked } from "../packed.ts";
import { temporaryFolder } from "../program.ts";
import { runNode } from "./run-node.ts";

const page = readFileSync("docs/grpc-clients.md", "utf8");
const programs = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, program = ""]) => program);
let gateway: TestGateway;

// The first test packs the package for all.
vi.setConfig({ testTimeout: 60_000 });

beforeAll(async () => {
  gateway = await openGateway();
  await gateway.enrol({ deviceKey: "device-1" });
});

afterAll(() => gateway.close());

/** Runs the page's only program that has `mark`, with `after` at its end. @returns the exit status and what was written */
async function runProgram(mark: string, after = ""): Promise<[unknown, string]> {
  const [program = "", ...others] = programs.filter((text) => text.includes(mark));
  expect(others).toEqual([]);
  const folder = temporaryFolder();
  await installPacked(folder, ["@grpc/grpc-js"]);
  const keyFile = join(folder, "customer-key");
  writeFileSync(keyFile, `${CUSTOMER_KEY}\n`);
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  const placed = program
    .replaceAll("https://gateway.internal:9090", gateway.internalUrl)
    .replaceAll("http://127.0.0.1:9090", gateway.internalUrl)
    .replaceAll("https://stock.internal/orders", `${gateway.publicUrl}/auth/check`)
    .replaceAll("/run/secrets/customer-key", keyFile)
    .replaceAll("its secret", CUSTOMER_KEY)
    // TLS is for a gateway with a certificate: mtls.openssl.test.ts has one.
    .replace(/^ {2}tls: .*\n/m, "");
  writeFileSync(join(folder, "program.ts"), placed + after);
  return runNode(folder, ["program.ts"]);
}

test("a token that a service accepts", async () => {
  const after = "process.stdout.write(String(response.status));";
  expect(await runProgram("stock.internal", after)).toEqual([0, "200"]);
});

test("an interceptor for any client", async () => {
  const after = "process.stdout.write(typeof interceptors[0] + (await source.token()).slice(0, 2));";
  expect(await runProgram("orders.internal", after)).toEqual([0, "functioney"]);
});

test("a login by hand", async () => {
  expect(await runProgram("createLoginSigner")).toEqual([0, expect.stringMatching(/^\d+ characters, for 600 s\n$/)]);
});

test("the package exports the names on the page", async () => {
  const folder = temporaryFolder();
  await installPacked(folder);
  writeFileSync(
    join(folder, "program.mjs"),
    `
import { registerHooks } from "node:module";
const packages = new Set();
registerHooks({ load: (url, context, next) => {
  const name = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)\\//.exec(url)?.[1];
  if (name !== undefined) packages.add(name);
  return next(url, context);
} });
const { createTokenSource } = await import("countersign/grpc");
const url = "${gateway.internalUrl}";
const source = createTokenSource({ url, deviceKey: "device-1", customerKey: "${CUSTOMER_KEY}" });
await source.token();
process.stdout.write([...packages].sort().join());
`,
  );
  const imported = ["@bufbuild/protobuf", "@grpc/grpc-js", "@js-sdsl/ordered-map"];
  expect(await runNode(folder, ["program.mjs"])).toEqual([0, [...imported, "countersign"].join()]);
  for (const name of imported) expect(page).toContain(`\`${name}\``);
});
