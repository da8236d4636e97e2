// The packed tarball, installed: its command, modules, examples and pages.

import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempDisposableSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { DeviceService } from "../examples/devices_pb.ts";
import { freePort } from "./free-port.ts";
import { CUSTOMER_KEY, startFileGateway } from "./gateway.ts";
import { fencesIn, paste } from "./pages.ts";
import { adopt, DEFAULT_ALG, run, serve, temporaryFolder } from "./program.ts";
import { validToken } from "./vectors/forge.ts";
import { newMint, startIssuer } from "./verify/issuer.ts";

/** Calls an example by its own protocol. @returns the device_key, or the error */
type Ask = (url: string, headers: Readonly<Record<string, string>>) => Promise<unknown>;

const overRest: Ask = async (url, headers) => {
  const { device_key: deviceKey, reason } = Object(await (await fetch(`${url}/whoami`, { headers })).json());
  return deviceKey ?? reason;
};

const overRpc =
  (createTransport: (baseUrl: string) => Transport): Ask =>
  (url, headers) =>
    createClient(DeviceService, createTransport(url))
      .whoAmI({}, { headers })
      .then(
        ({ deviceKey }) => deviceKey,
        ({ message }: Error) => (/no token was sent/.test(message) ? "missing" : message),
      );

const FRAMEWORKS: Readonly<Record<string, Ask>> = {
  express: overRest,
  fastify: overRest,
  hono: overRest,
  connect: overRpc((baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" })),
  "grpc-js": overRpc((baseUrl) => createGrpcTransport({ baseUrl })),
};

const grpcPrograms = fencesIn(readFileSync("docs/grpc-clients.md", "utf8"), "ts");
const verifyPrograms = fencesIn(readFileSync("docs/verify.md", "utf8"), "ts");

/** A service that exports our types, so that its compiler names them in declarations. */
const GRPC_NAMES = `
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
const VERIFY_NAMES = `
import * as grpc from "@grpc/grpc-js";
import { createVerifier, errorResponse, tokenOf, type ErrorResponse, type SentHeaders, type Verifier } from "countersign/verify";
import * as connect from "countersign/verify/connect";
import * as express from "countersign/verify/express";
import * as fastify from "countersign/verify/fastify";
import * as grpcJs from "countersign/verify/grpc-js";
import * as hono from "countersign/verify/hono";
const verifier: Verifier = createVerifier({ issuer: "https://a.example", audience: "devices", allowHttp: false });
const options: connect.RequireTokenOptions & express.RequireTokenOptions & fastify.RequireTokenOptions &
  grpcJs.RequireTokenOptions & hono.RequireTokenOptions =
  { authorization: true, onError: ({ message, cause }) => console.warn(message, cause) };
export const guards = {
  connect: connect.requireToken(verifier, options),
  express: express.requireToken(verifier, options),
  fastify: fastify.requireToken(verifier, options),
  grpc: grpcJs.requireToken(verifier, grpc, options),
  hono: hono.requireToken(verifier, options),
};
export const names = { errorResponse, tokenOf };
export type Names = [ErrorResponse, SentHeaders];
`;

const { path: folder, remove } = mkdtempDisposableSync(join(tmpdir(), "countersign-"));
afterAll(remove);
const installed = join(folder, "node_modules/countersign");
installPacked();
for (const example of ["devices_pb.ts", "devices.proto", "grpc-client.ts", ...globSync("examples/verify-*.ts")]) {
  const name = example.replace("examples/", "");
  cpSync(join(installed, "examples", name), join(folder, name));
}
write("package.json", '{"type": "module"}');
write("customer-key", `${CUSTOMER_KEY}\n`);
const gateway = await startFileGateway();
await gateway.enrol({ deviceKey: "device-1" });

/** Packs in a copy that leaves dist/ alone, `prepack` included, and installs the tarball beside links to the packages of this checkout. */
function installPacked(): void {
  using staging = mkdtempDisposableSync(join(tmpdir(), "countersign-pack-"));
  const { files } = JSON.parse(readFileSync("package.json", "utf8"));
  const sources = ["package.json", "README.md", "src", "gen", "scripts", "tsconfig.json", "tsconfig.build.json"];
  for (const file of new Set<string>([...files, ...sources])) {
    if (file !== "dist") cpSync(file, join(staging.path, file), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(staging.path, "node_modules"));
  const output = execFileSync("npm", ["pack", "--silent"], { cwd: staging.path, encoding: "utf8" });
  mkdirSync(installed, { recursive: true });
  const tarball = join(staging.path, output.trim().split("\n").at(-1) ?? "");
  execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  symlinkSync(resolve("node_modules"), join(installed, "node_modules"));
  for (const name of readdirSync("node_modules"))
    symlinkSync(resolve("node_modules", name), join(installed, "..", name));
}

/** Writes a file of the service. @returns its name */
function write(name: string, contents: string): string {
  writeFileSync(join(folder, name), contents);
  return name;
}

/** Runs Node in the service's folder. */
const runNode = (words: string, env: Record<string, string> = {}) => paste(`node ${words}`, { cwd: folder, env });

const printed = (stdout: unknown) => ({ status: 0, stderr: "", stdout });

test("the command runs from node_modules", async () => {
  const launcher = join(installed, "bin", "countersign.js");
  const dataDir = temporaryFolder();
  const { publicUrl } = await serve(dataDir, { launcher, env: DEFAULT_ALG });
  const env = { COUNTERSIGN_DATA_DIR: dataDir };
  const { status, stdout } = await run(["login", "--demo", "--url", publicUrl], { launcher, env });
  expect([status, stdout]).toEqual([0, expect.stringMatching(/^eyJ/)]);
});

test("a service's compiler accepts the examples, the pages' programs and our types, and finds mistakes", async () => {
  expect(grpcPrograms).toHaveLength(3);
  for (const [at, program] of [...grpcPrograms, ...verifyPrograms].entries()) write(`page-${at}.ts`, program);
  write("grpc-names.ts", GRPC_NAMES);
  write("verify-names.ts", VERIFY_NAMES);
  const names = Object.keys(FRAMEWORKS);
  const wrong = [
    'import { createVerifier } from "countersign/verify";\ncreateVerifier({ issuer: "https://a.example" });\n',
    ...names.map(
      (name) => `import { identityOf } from "countersign/verify/${name}";\nidentityOf(null as never).token;\n`,
    ),
  ];
  for (const [at, program] of wrong.entries()) write(`wrong-${at}.ts`, program);
  const compilerOptions = {
    ...{ target: "es2024", module: "nodenext", types: ["node"], strict: true, exactOptionalPropertyTypes: true },
    ...{ noEmit: true, declaration: true, allowImportingTsExtensions: true, skipLibCheck: false },
  };
  write("tsconfig.json", JSON.stringify({ compilerOptions }));
  const { stdout } = await runNode(resolve("node_modules/typescript/bin/tsc"));
  expect(stdout.split("\n").filter((line) => /^\S/.test(line))).toEqual([
    expect.stringMatching(/^wrong-0\.ts.+TS2741.+'audience'/),
    ...names.map((_, at) => expect.stringMatching(new RegExp(`^wrong-${at + 1}\\.ts.+TS2339.+'Identity'`))),
  ]);
});

test("the examples of countersign/verify run, and the page's function ends by itself", async () => {
  const issuer = await startIssuer();
  const mint = { ...newMint("key-1", "ES256", issuer.url), now: Date.now() };
  issuer.publish(mint);
  const token = validToken(mint);
  const env = { ISSUER: issuer.url, AUDIENCE: mint.audience };

  const ports = await Promise.all(Object.keys(FRAMEWORKS).map(async (name) => [name, await freePort()] as const));
  // All in one process, each on its own port. Any error ends it.
  const starts = ports.map(([name, port]) => `process.env.PORT = "${port}";\nawait import("./verify-${name}.ts");\n`);
  const options = { cwd: folder, env: { ...process.env, ...env }, stdio: "inherit" as const };
  const services = adopt(spawn(process.execPath, [write("services.mjs", starts.join(""))], options));
  onTestFinished(() => void services.kill());
  for (const [name, port] of ports) {
    const ask = async (headers: Readonly<Record<string, string>>): Promise<unknown> =>
      FRAMEWORKS[name]?.(`http://127.0.0.1:${port}`, headers);
    await expect.poll(() => ask({ "x-access-token": token }).catch(String)).toBe("sensor-1");
    expect([name, await ask({})]).toEqual([name, "missing"]);
  }

  write("lambda.ts", verifyPrograms.at(-1) ?? "");
  const events = JSON.stringify([{ headers: { "X-Access-Token": token } }, { headers: {} }]);
  const call = `process.stdout.write(JSON.stringify(await Promise.all(${events}.map(handler))));`;
  const answered = await runNode(write("call.mjs", `import { handler } from "./lambda.ts";\n${call}`), env);
  expect(answered).toEqual(printed(expect.any(String)));
  expect(JSON.parse(answered.stdout)).toMatchObject([
    { statusCode: 200, body: '{"device_key":"sensor-1"}' },
    { statusCode: 401, body: expect.stringContaining('"reason":"missing"') },
  ]);
});

test("the example of countersign/grpc runs, ends by itself, and names an unset variable", async () => {
  const env = { GATEWAY_URL: gateway.internalUrl, DEVICE_KEY: "device-1", CUSTOMER_KEY_FILE: "customer-key" };
  // The example closes nothing: a source or client does not keep a process alive.
  expect(await runNode("grpc-client.ts", env)).toEqual(printed("200 device-1\n"));
  const message = "Error: set DEVICE_KEY, and CUSTOMER_KEY_FILE to the file that";
  const unset = await runNode("grpc-client.ts", { ...env, CUSTOMER_KEY_FILE: "" });
  expect(unset).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
});

test("the example's commands for the demo device write a key file that only its owner can read", async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, "data"));
  const saved = `${JSON.stringify({ device_key: "demo-1", customer_key: CUSTOMER_KEY })}\n`;
  writeFileSync(join(cwd, "data/demo-device"), saved);
  const comments = [...readFileSync("examples/grpc-client.ts", "utf8").matchAll(/^\/\/ {3}(.*)$/gm)];
  const lines = [...comments.map(([, line]) => line), "printf '%s %s' $DEVICE_KEY $CUSTOMER_KEY_FILE"];
  const [deviceKey, file = ""] = (await paste(lines.join("\n"), { cwd }, "sh")).stdout.split(" ");
  expect([deviceKey, readFileSync(file, "utf8")]).toEqual(["demo-1", `${CUSTOMER_KEY}\n`]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

const SHOW_INTERCEPTOR = "process.stdout.write(typeof interceptors[0] + (await source.token()).slice(0, 2));";

test.each<[string, string, string, unknown]>([
  ["a token that a service accepts", "stock.internal", "process.stdout.write(String(response.status));", "200"],
  ["an interceptor for any client", "orders.internal", SHOW_INTERCEPTOR, "functioney"],
  ["a login by hand", "createLoginSigner", "", expect.stringMatching(/^\d+ characters, for 600 s\n$/)],
])("the program of docs/grpc-clients.md runs: %s", async (_name, mark, after, stdout) => {
  const [program = "", ...others] = grpcPrograms.filter((code) => code.includes(mark));
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
  expect(await runNode(write("program.ts", placed + after))).toEqual(printed(stdout));
});
