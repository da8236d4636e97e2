// countersign/grpc from the packed tarball: its types, the example and the page's programs.

import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { installPacked } from "../packed.ts";
import { temporaryFolder } from "../program.ts";
import { runNode } from "./run-node.ts";

const STRICT = ["--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2024"];

/** A service that exports our types, so that its compiler names them in declarations. */
const NAMES = `
import { createAuthClient, createLoginSigner, createTokenInterceptor, createTokenSource, Metadata, status } from "countersign/grpc";
import type { AuthClient, GatewayClientOptions, GetServerTimeRequest, GetServerTimeResponse, Interceptor,
  LoginSignerOptions, TokenSourceOptions, Unary, UnaryOptions } from "countersign/grpc";
const options: GatewayClientOptions = { url: "https://gateway.internal", allowHttp: false, deadlineMs: 1_000 };
const signing: LoginSignerOptions = { deviceKey: "device-1", customerKey: "secret", now: () => 0 };
const sourcing: TokenSourceOptions = { ...signing, ...options, onRefreshError: () => {} };
export const { getServerTime } = createAuthClient(options);
export const { sign } = createLoginSigner(signing);
export const interceptors: Interceptor[] = [createTokenInterceptor(createTokenSource(sourcing))];
export const call: UnaryOptions = { metadata: new Metadata() };
export const code: status = status.OK;
export const ask: Unary<GetServerTimeRequest, GetServerTimeResponse> = getServerTime;
export type Names = [AuthClient, GetServerTimeRequest, GetServerTimeResponse];
`;

/** The page's programs, a file each. */
function writePrograms(folder: string, page: string): string[] {
  const programs = readFileSync(page, "utf8").matchAll(/^```ts\n(.*?)^```$/gms);
  return [...programs].map(([, program = ""], index) => {
    writeFileSync(join(folder, `page-${index}.ts`), program);
    return `page-${index}.ts`;
  });
}

test("the example runs from the packed tarball, and a service's compiler takes it and the page's programs", {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  const installed = await installPacked(folder, ["@types/node", "undici-types", "@grpc/grpc-js"]);
  writeFileSync(join(folder, "package.json"), '{"type": "module"}');
  writeFileSync(join(folder, "customer-key"), `${CUSTOMER_KEY}\n`);
  copyFileSync(join(installed, "examples/grpc-client.ts"), join(folder, "service.ts"));
  const pages = writePrograms(folder, "docs/grpc-clients.md");
  expect(pages).toHaveLength(3);
  const gateway = await startTestGateway();
  const deviceKey = await gateway.enrol();

  writeFileSync(join(folder, "names.ts"), NAMES);
  const compiler = resolve("node_modules/typescript/bin/tsc");
  const [compiled, ran] = await Promise.all([
    runNode(folder, [
      compiler,
      "--noEmit",
      ...STRICT,
      "--declaration",
      "--types",
      "node",
      "service.ts",
      "names.ts",
      ...pages,
    ]),
    runNode(folder, ["service.ts"], {
      GATEWAY_URL: gateway.internalUrl,
      DEVICE_KEY: deviceKey,
      CUSTOMER_KEY_FILE: join(folder, "customer-key"),
    }),
  ]);
  expect(compiled).toEqual([0, ""]);
  const unset = await runNode(folder, ["service.ts"], { DEVICE_KEY: deviceKey, CUSTOMER_KEY_FILE: "" });
  expect(unset).toEqual([1, expect.stringContaining("Error: set DEVICE_KEY, and CUSTOMER_KEY_FILE to the file that")]);
  // The example closes nothing: a source or client does not keep a process alive.
  expect(ran).toEqual([0, expect.stringMatching(new RegExp(`^200 ${deviceKey}\\n$`))]);
});

test("the example's commands for the demo device write a key file that only its owner can read", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "data"));
  const saved = `${JSON.stringify({ device_key: "demo-1", customer_key: CUSTOMER_KEY })}\n`;
  writeFileSync(join(folder, "data/demo-device"), saved);
  const said = [...readFileSync("examples/grpc-client.ts", "utf8").matchAll(/^\/\/ {3}(.*)$/gm)];
  const lines = said.map(([, line]) => line).join("\n");
  const print = "printf '%s %s' $DEVICE_KEY $CUSTOMER_KEY_FILE";
  const { stdout } = await promisify(execFile)("sh", ["-ec", `${lines}\n${print}`], { cwd: folder });
  const [deviceKey, file = ""] = stdout.split(" ");
  expect(deviceKey).toBe("demo-1");
  expect(readFileSync(file, "utf8")).toBe(`${CUSTOMER_KEY}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});
