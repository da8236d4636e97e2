// countersign/grpc from the packed tarball: its types, the example, and the unchanged programs of docs/grpc-clients.md.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CUSTOMER_KEY, openGateway, type TestGateway } from "../gateway.ts";
import { installPacked } from "../packed.ts";
import { fencesIn } from "../pages.ts";
import { temporaryFolder } from "../program.ts";

const page = readFileSync("docs/grpc-clients.md", "utf8");
const programs = fencesIn(page, "ts");
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

let gateway: TestGateway;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const installed = await installPacked(folder, ["@types/node", "undici-types", "@grpc/grpc-js"]);
  write("package.json", '{"type": "module"}');
  write("customer-key", `${CUSTOMER_KEY}\n`);
  copyFileSync(join(installed, "examples/grpc-client.ts"), join(folder, "service.ts"));
  gateway = await openGateway();
  await gateway.enrol({ deviceKey: "device-1" });
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

/** Writes a file of the service. @returns its name */
function write(name: string, contents: string): string {
  writeFileSync(join(folder, name), contents);
  return name;
}

/** Runs Node in the service's folder. @returns the exit status and the output */
async function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<[unknown, string]> {
  const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, ...env } });
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return [status, out + err];
}

test("a service's compiler accepts the example, our types and the page's programs", async () => {
  expect(programs).toHaveLength(3);
  const files = [write("names.ts", NAMES), ...programs.map((program, index) => write(`page-${index}.ts`, program))];
  const compiler = [resolve("node_modules/typescript/bin/tsc"), "--noEmit", ...STRICT, "--declaration"];
  expect(await runNode([...compiler, "--types", "node", "service.ts", ...files])).toEqual([0, ""]);
});

test("the example runs, ends by itself, and names an unset variable", async () => {
  const env = {
    GATEWAY_URL: gateway.internalUrl,
    DEVICE_KEY: "device-1",
    CUSTOMER_KEY_FILE: join(folder, "customer-key"),
  };
  // The example closes nothing: a source or client does not keep a process alive.
  expect(await runNode(["service.ts"], env)).toEqual([0, expect.stringMatching(/^200 device-1\n$/)]);
  const unset = await runNode(["service.ts"], { ...env, CUSTOMER_KEY_FILE: "" });
  expect(unset).toEqual([1, expect.stringContaining("Error: set DEVICE_KEY, and CUSTOMER_KEY_FILE to the file that")]);
});

test("the example's commands for the demo device write a key file that only its owner can read", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "data"));
  const saved = `${JSON.stringify({ device_key: "demo-1", customer_key: CUSTOMER_KEY })}\n`;
  writeFileSync(join(cwd, "data/demo-device"), saved);
  const comments = [...readFileSync("examples/grpc-client.ts", "utf8").matchAll(/^\/\/ {3}(.*)$/gm)];
  const lines = comments.map(([, line]) => line).join("\n");
  const print = "printf '%s %s' $DEVICE_KEY $CUSTOMER_KEY_FILE";
  const { stdout } = await promisify(execFile)("sh", ["-ec", `${lines}\n${print}`], { cwd });
  const [deviceKey, file = ""] = stdout.split(" ");
  expect(deviceKey).toBe("demo-1");
  expect(readFileSync(file, "utf8")).toBe(`${CUSTOMER_KEY}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

const SHOW_INTERCEPTOR = "process.stdout.write(typeof interceptors[0] + (await source.token()).slice(0, 2));";

test.each<[string, string, string, unknown]>([
  ["a token that a service accepts", "stock.internal", "process.stdout.write(String(response.status));", "200"],
  ["an interceptor for any client", "orders.internal", SHOW_INTERCEPTOR, "functioney"],
  ["a login by hand", "createLoginSigner", "", expect.stringMatching(/^\d+ characters, for 600 s\n$/)],
])("the page's program runs: %s", async (_name, mark, after, printed) => {
  const [program = "", ...others] = programs.filter((code) => code.includes(mark));
  expect(others).toEqual([]);
  // Only addresses and paths are replaced.
  const placed = program
    .replaceAll("https://gateway.internal:9090", gateway.internalUrl)
    .replaceAll("http://127.0.0.1:9090", gateway.internalUrl)
    .replaceAll("https://stock.internal/orders", `${gateway.publicUrl}/auth/check`)
    .replaceAll("/run/secrets/customer-key", join(folder, "customer-key"))
    .replaceAll("its secret", CUSTOMER_KEY)
    // TLS is for a gateway with a certificate: mtls.openssl.test.ts has one.
    .replace(/^ {2}tls: .*\n/m, "");
  expect(await runNode([write("program.ts", placed + after)])).toEqual([0, printed]);
});

test("the package imports only the packages that the page names", async () => {
  const program = `
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
`;
  const imported = ["@bufbuild/protobuf", "@grpc/grpc-js", "@js-sdsl/ordered-map"];
  expect(await runNode([write("program.mjs", program)])).toEqual([0, [...imported, "countersign"].join()]);
  for (const name of imported) expect(page).toContain(`\`${name}\``);
});
