// The command line with a gateway that has TLS.

import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { makeCertificates } from "../http/certificates.ts";
import { exampleOf, makeCheckout, makeNpx, runIn, serveBriefly } from "../pages.ts";
import { DEFAULT_ALG, serve } from "../program.ts";

const pems = makeCertificates({ server: "ecdsa", client: "ecdsa", stranger: "ecdsa" });
const pem = (name: string) => join(pems, name);

const TLS = { TLS_CERT: pem("server.crt"), TLS_KEY: pem("server.key"), TLS_CLIENT_CA: pem("client.crt") };
const TRUST = { COUNTERSIGN_CA_CERT: pem("server.crt") };
const clientPair = (name: string) => ({
  COUNTERSIGN_CLIENT_CERT: pem(`${name}.crt`),
  COUNTERSIGN_CLIENT_KEY: pem(`${name}.key`),
});

const login = (deviceKey: string, url: string) => ["login", "--device-key", deviceKey, "--url", url];

/** Runs the two kinds of command that call a gateway, at its internal listener. */
function runBoth(url: string, deviceKey: string, own: Record<string, string>) {
  const secrets = { COUNTERSIGN_CUSTOMER_KEY: CUSTOMER_KEY, COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN };
  const env = { ...secrets, COUNTERSIGN_INTERNAL_URL: url, ...own };
  const commands = [login(deviceKey, url), ["customers", "create", "--name", "Acme"]];
  return Promise.all(commands.map((args) => runCommand(args, { env })));
}

test("every command works with a CA and a client certificate, without a warning", async () => {
  const { publicUrl, internalUrl, enrol } = await startTestGateway(TLS);
  const deviceKey = await enrol();
  for (const outcome of await runBoth(internalUrl, deviceKey, { ...TRUST, ...clientPair("client") })) {
    expect(outcome).toEqual({ status: 0, stdout: expect.stringMatching(/^(eyJ|customer )/), stderr: "" });
  }
  const env = { COUNTERSIGN_CUSTOMER_KEY: CUSTOMER_KEY, ...TRUST };
  expect(await runCommand(login(deviceKey, publicUrl), { env })).toMatchObject({ status: 0, stderr: "" });
});

test("a failed connection has the same error, with its cure, in every command", async () => {
  const { internalUrl } = await startTestGateway(TLS);
  const plain = await startTestGateway();
  const certificate =
    /closed the connection \(\w+\)\. If it requires a client certificate, set COUNTERSIGN_CLIENT_CERT and COUNTERSIGN_CLIENT_KEY/;
  const untrusted = /no trusted authority .* \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. Set COUNTERSIGN_CA_CERT/;
  const cure = "\\. Start it, or set (--url|COUNTERSIGN_INTERNAL_URL) ";
  const away = (url: string) => new RegExp(`no gateway answers at ${url} \\(ECONNREFUSED\\)${cure}`);
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [
      internalUrl.replace("https", "http"),
      {},
      /closed the connection \(\w+\)\. It may have stopped\. If it speaks TLS, use https:/,
    ],
    [plain.internalUrl.replace("http", "https"), {}, /does not speak TLS\. Use http:/],
    [internalUrl, clientPair("client"), untrusted],
    [internalUrl.replace("127.0.0.1", "localhost"), TRUST, /is for other names/],
    [internalUrl, TRUST, certificate],
    [internalUrl, { ...TRUST, ...clientPair("stranger") }, certificate],
    ["http://127.0.0.1:1", {}, away("http://127.0.0.1:1")],
    ["https://127.0.0.1:1", {}, away("https://127.0.0.1:1")],
  ];
  for (const [url, env, message] of cases) {
    for (const outcome of await runBoth(url, "pump", env)) {
      expect(outcome).toEqual({ status: 1, stdout: "", stderr: expect.stringMatching(message) });
    }
  }
});

test("errors name invalid files without their content", async () => {
  const env = {
    COUNTERSIGN_CUSTOMER_KEY: "secret",
    COUNTERSIGN_INTERNAL_URL: "127.0.0.1:9090",
    COUNTERSIGN_CA_CERT: pem("server.key"),
    COUNTERSIGN_CLIENT_CERT: "/nowhere/client.crt",
    COUNTERSIGN_CLIENT_KEY: "-----BEGIN PRIVATE KEY----- SECRET",
  };
  const mistakes = [
    "INTERNAL_URL is not an http or https URL. Write http://host:port or https://host:port",
    `CA_CERT is ${pem("server.key")}, which holds no certificate in PEM`,
    "CLIENT_CERT is /nowhere/client.crt, which cannot be read (ENOENT). Set it to the path of a PEM file",
    "CLIENT_KEY is not a path. Set it to the path of a PEM file",
  ];
  const stderr = mistakes.map((mistake) => `countersign: COUNTERSIGN_${mistake}\n`).join("");
  expect(await runCommand(login("a", "https://127.0.0.1:1"), { env })).toEqual({ status: 2, stdout: "", stderr });
});

const PAGE = "docs/operators.md";

test("the first block of the page makes secrets that only their owner can read, and starts a gateway", async () => {
  const checkout = makeCheckout();
  const block = exampleOf(PAGE, "sh", "npx countersign serve").replace("npx countersign serve", "exec $&");
  const { line, end } = await serveBriefly(block, { cwd: checkout, folders: [makeNpx()] });
  expect([line, end]).toEqual([expect.stringMatching(/^public +http:/), [0, null]]);
  for (const name of ["master-key", "admin-token"])
    expect(statSync(join(checkout, "data", name)).mode & 0o777).toBe(0o600);
});

test("the page's self-signed certificate is served, and commands trust it", async () => {
  const checkout = makeCheckout();
  const [makeCertificate = "", start = ""] = exampleOf(PAGE, "sh", "openssl req").split("\n");
  execFileSync("sh", ["-c", makeCertificate], { cwd: checkout, stdio: "ignore" });
  const settings = [...start.matchAll(/(COUNTERSIGN_\w+)=(\S+)/g)];
  const files = Object.fromEntries(settings.map(([, name, file = ""]) => [name, join(checkout, file)]));
  const gateway = await serve(join(checkout, "data"), { env: { ...DEFAULT_ALG, ...files } });
  expect(gateway.publicUrl).toMatch(/^https:/);

  // The gateway's answers end without a line break.
  const example = exampleOf(PAGE, "sh", "--cacert");
  const output = await runIn(checkout, gateway, example.replace("/auth/login\n", "/auth/login; echo\n"));
  expect(output).toMatch(/^\{"token":"eyJ.*\neyJ.*\ncustomer .*$/);
});
