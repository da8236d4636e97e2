// `countersign serve`, `sign` and `login`, as a newcomer runs them.

import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { decodeProtectedHeader } from "jose";
import { expect, test } from "vitest";
import { startLines } from "../../src/cli/serve.ts";
import { runCommand } from "../command.ts";
import { listenOnLoopback } from "../free-port.ts";
import { postLogin } from "../gateway.ts";
import { exchangeOn, openSocket, type RawResponse } from "../http/raw-http.ts";
import { serveBriefly } from "../pages.ts";
import { DEFAULT_ALG, linesOf, NODE_ARGUMENTS, run, type ServingProcess, serve, temporaryFolder } from "../program.ts";
import { sendByHand } from "../protocols/hand.ts";

test("serve --dev creates a missing folder with secrets that only their owner can read, and keeps them", async () => {
  const folder = join(temporaryFolder(), "a", "b");
  const env = { COUNTERSIGN_DATA_DIR: folder };
  const sign = () => runCommand(["sign", "--demo", "--timestamp", "1764000000"], { env });
  await (await serve(folder)).end("SIGTERM");
  expect(Object.keys(JSON.parse((await sign()).stdout))).toEqual(["device_key", "timestamp", "device_signature"]);
  for (const name of ["master-key", "admin-token", "demo-device"]) {
    expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
  }
  const others = readdirSync(folder).filter((name) => !name.startsWith("countersign.db"));
  expect(others.sort()).toEqual(["admin-token", "demo-device", "master-key"]);

  // A new database gets a demo device of its own.
  for (const name of readdirSync(folder)) if (name.startsWith("countersign.db")) rmSync(join(folder, name));
  // Others may read the directory: its secrets are files that they cannot read.
  chmodSync(folder, 0o755);
  const { publicUrl } = await serve(folder);
  expect((await runCommand(["login", "--demo", "--url", publicUrl], { env })).status).toBe(0);
});

test("login prints the token, or the error with its values", async () => {
  const folder = temporaryFolder();
  const { publicUrl } = await serve(folder, { env: { ...DEFAULT_ALG, COUNTERSIGN_LOGIN_LIMIT: "1/60s" } });
  const env = { COUNTERSIGN_DATA_DIR: folder };
  const login = ["login", "--demo", "--url", publicUrl];
  // In a process, to check that it ends.
  const { status, stdout, stderr } = await run([...login, "--json"], { env });
  expect([status, stderr]).toEqual([0, ""]);
  const answer = JSON.parse(stdout);
  expect(answer).toEqual({ token: expect.stringMatching(/^eyJ/), expires_in: 600 });
  expect(decodeProtectedHeader(answer.token).alg).toBe("RS256");
  expect(await runCommand(login, { env })).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/^countersign: rate_limited: too many logins .*\(retry_after \d+ s\)\n$/),
  });
  const skewed = await runCommand([...login, "--timestamp", "1", "--json"], { env });
  expect(JSON.parse(skewed.stderr).error).toEqual({
    code: "unauthenticated",
    reason: "clock_skew",
    server_time: expect.any(Number),
    message: expect.stringMatching(/^clock_skew: .*\(server_time \d{10}\)$/),
  });
});

const { version } = JSON.parse(readFileSync("package.json", "utf8"));

test("--version prints the version of package.json", async () => {
  expect(await run(["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
});

test("the log has nothing that a stranger sent, and no secret; a signal that npm repeats counts once", async () => {
  const folder = temporaryFolder();
  const { publicUrl, internalUrl, log, end } = await serve(folder, { env: { COUNTERSIGN_LOG_LEVEL: "debug" } });
  const signed = await runCommand(["sign", "--demo"], { env: { COUNTERSIGN_DATA_DIR: folder } });
  const { device_signature } = JSON.parse(signed.stdout);
  const bodies = [
    signed.stdout,
    `{"device_key":"STRANGER\\u001b[31m","timestamp":1,"device_signature":"STRANGER"}`,
    `{"STRANGER`,
    `{"device_key":"a","timestamp":"STRANGER"}`,
  ];
  for (const body of bodies) await postLogin(publicUrl, body);
  await fetch(new URL("/STRANGER?STRANGER", publicUrl), { headers: { "user-agent": "STRANGER" } });
  await sendByHand(internalUrl, {
    version: 2,
    path: "/countersign.admin.v1.AdminService/CreateCustomer",
    headers: { "content-type": "application/grpc", authorization: "Bearer STRANGER\xff", "x-bin": "AAEC" },
  });
  expect(await end("SIGINT", "SIGINT", "SIGTERM")).toBe(0);
  expect(log().match(/"msg":"(login|refused)"/g)).toHaveLength(bodies.length + 2);
  expect(log()).not.toContain("STRANGER");
  expect(log()).not.toContain(device_signature);
});

test.each(["node_modules/.bin/countersign serve", "npx -c 'exec node bin/countersign.js serve'"])(
  "SIGTERM to the command of docs/operators.md reaches the gateway: %s",
  async (command) => {
    expect(readFileSync("docs/operators.md", "utf8")).toContain(`| \`${command}\` |`);
    const folder = temporaryFolder();
    mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
    symlinkSync(resolve("bin/countersign.js"), join(folder, "node_modules/.bin/countersign"));
    symlinkSync(resolve("bin"), join(folder, "bin"));
    writeFileSync(join(folder, "package.json"), "{}");
    const { line, end, log } = await serveBriefly(`exec ${command.replace("serve", "serve --dev")}`, { cwd: folder });
    expect([end, line]).toEqual([[0, null], expect.stringMatching(/^public +http:/)]);
    expect(JSON.parse(log.split("\n")[0] ?? "")).toMatchObject({ msg: "listening", version });
  },
);

test("serve names a port that is in use", async () => {
  const server = createServer();
  const address = `127.0.0.1:${await listenOnLoopback(server)}`;
  const env = { COUNTERSIGN_DATA_DIR: temporaryFolder(), COUNTERSIGN_PUBLIC_LISTEN: address };
  const { status, stderr } = await run(["serve", "--dev"], { env });
  server.close();
  const cure = "Stop it, or set COUNTERSIGN_PUBLIC_LISTEN and COUNTERSIGN_INTERNAL_LISTEN to free ports";
  expect([status, stderr]).toEqual([1, `countersign: ${address} is in use by another program. ${cure}\n`]);
});

test("serve names every mistake in the settings at once, without a secret", async () => {
  const env = {
    COUNTERSIGN_MASTER_KEY: "too-short-secret",
    COUNTERSIGN_TRUSTED_PROXY: "10.0.0.1",
    COUNTERSIGN_CLOCK_SKEW: "300",
    COUNTERSIGN_FAILURE_LIMIT: "10/1d",
    COUNTERSIGN_TLS_CLIENT_CA: "/x",
  };
  const mistakes = [
    "TRUSTED_PROXY is not a setting. Did you mean COUNTERSIGN_TRUSTED_PROXIES?",
    "TLS_CLIENT_CA has no effect without COUNTERSIGN_TLS_CERT and COUNTERSIGN_TLS_KEY. Set all of them, or none",
    "TLS_CLIENT_CA is /x, which cannot be read (ENOENT). Set it to the path of a PEM file",
    "MASTER_KEY is not 32 bytes in base64 or hex. Make one with: openssl rand -base64 32",
    "ADMIN_TOKEN is not set. Make one with: openssl rand -hex 32, or start with --dev",
    "ISSUER is not set. Set the gateway's URL for devices, or start with --dev",
    "AUDIENCE is not set. Set the name of the services that the tokens are for, or start with --dev",
    "CLOCK_SKEW is not a duration. Write a number and ms, s, m, h or d, as in 600s",
    "FAILURE_LIMIT needs a window of at most 1h, as a number and ms, s, m or h: 10/60s",
  ];
  const stderr = mistakes.map((mistake) => `countersign: COUNTERSIGN_${mistake}\n`).join("");
  expect(await runCommand(["serve"], { env })).toEqual({ status: 2, stdout: "", stderr });
});

test("the launcher tells an old Node what to do", async () => {
  const old = "data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})";
  const { status, stderr } = await run(["serve"], { nodeArguments: ["--import", old] });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^countersign: this is Node 20\.20\.2, and Node 24 or newer is needed\. Run `npm ci`/);
});

test("serve prints its addresses, a link and, with --dev, a login to try", () => {
  const [publicUrl, internalUrl] = ["https://127.0.0.1:8080", "http://127.0.0.1:9090"];
  const listening = { publicUrl, internalUrl };
  const addresses = [
    `public   ${publicUrl}   devices: REST, Connect, gRPC-Web, gRPC`,
    `internal ${internalUrl}   services and operators`,
  ];
  expect(startLines(listening, { dev: false, dataDir: undefined })).toEqual(addresses);
  const internalOnly = { internalUrl, publicUrl: undefined };
  expect(startLines(internalOnly, { dev: true, dataDir: undefined })).toEqual(addresses.slice(1));
  const signIn = `${internalUrl}/#sign-in=abc`;
  expect(startLines(listening, { dev: true, dataDir: "/srv/data", signIn })).toEqual([
    ...addresses,
    "",
    "Open the dashboard by this link, once and within a minute. Another: COUNTERSIGN_DATA_DIR=/srv/data npx countersign dashboard",
    `  ${signIn}`,
    "",
    "Log in as the demo device (curl may need --cacert FILE):",
    `  COUNTERSIGN_DATA_DIR=/srv/data npx countersign sign --demo | curl -sS --json @- ${publicUrl}/auth/login`,
  ]);
  const plain = startLines({ internalUrl, publicUrl: "http://127.0.0.1:80" }, { dev: true, dataDir: undefined });
  expect(plain).toContain("  npx countersign sign --demo | curl -sS --json @- http://127.0.0.1:80/auth/login");
});

/** Starts a gateway that runs a statement at each SIGUSR2. */
function serveThrowing(statement: string) {
  // Base64, since the stack has the module's name, and the secret must not be in it.
  const script = Buffer.from(`process.on("SIGUSR2", () => { ${statement} })`).toString("base64");
  const nodeArguments = [...NODE_ARGUMENTS, "--import", `data:text/javascript;base64,${script}`];
  return serve(temporaryFolder(), { nodeArguments });
}

const fatals = (gateway: ServingProcess) => linesOf(gateway).filter(({ level }) => level === 60);

/** Sends half a request, and the gateway waits for the rest. @returns a function that sends the rest and reads the answer */
async function sendHalf({ publicUrl }: ServingProcess): Promise<() => Promise<RawResponse>> {
  const socket = openSocket(publicUrl);
  const head = "POST /auth/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n";
  exchangeOn(socket, `${head}{`).catch(() => {});
  await fetch(new URL("/livez", publicUrl));
  return () => exchangeOn(socket, "}");
}

test.each([
  ["throw Object.assign(new TypeError('planted'), { password: 'hunter2' })", "TypeError: planted\n    at process."],
  ["Promise.reject({ password: 'hunter2' })", "not an Error"],
])(
  "an error that nothing catches, %s, is logged in one line without its properties, and a request in flight is answered",
  async (planted, stack) => {
    const gateway = await serveThrowing(planted);
    const sendRest = await sendHalf(gateway);
    const ended = gateway.end("SIGUSR2");
    await expect.poll(() => fatals(gateway)).toHaveLength(1);
    expect((await sendRest()).status).toBe(400);
    expect(await ended).toBe(1);
    expect(fatals(gateway)).toMatchObject([{ level: 60, stack: expect.stringContaining(stack), msg: "uncaught" }]);
    expect(gateway.log()).not.toContain("hunter2");
  },
);

test("a second error during the drain ends the process, though a request is in flight", async () => {
  const gateway = await serveThrowing("throw new Error('planted')");
  await sendHalf(gateway);
  void gateway.end("SIGUSR2");
  await expect.poll(() => fatals(gateway)).toHaveLength(1);
  expect(await gateway.end("SIGUSR2")).toBe(1);
  expect(fatals(gateway)).toHaveLength(2);
});

test("an error during the drain of a signal is logged, and the status is 1", async () => {
  const gateway = await serveThrowing("throw new Error('planted')");
  const sendRest = await sendHalf(gateway);
  void gateway.end("SIGTERM");
  void gateway.end("SIGUSR2");
  await expect.poll(() => fatals(gateway)).toHaveLength(1);
  await sendRest();
  expect(await gateway.end()).toBe(1);
});
