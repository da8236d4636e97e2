// The command line with a gateway that has TLS and requires client certificates.

import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, startTestGateway } from "../gateway.ts";
import { makeCertificates } from "../http/certificates.ts";
import type { Outcome } from "../program.ts";

const pems = makeCertificates({ server: "ecdsa", client: "ecdsa", stranger: "ecdsa" });
const pem = (name: string): string => join(pems, name);

const TLS = { TLS_CERT: pem("server.crt"), TLS_KEY: pem("server.key"), TLS_CLIENT_CA: pem("client.crt") };
const TRUST = { COUNTERSIGN_CA_CERT: pem("server.crt") };
const clientPair = (name: string): Record<string, string> => ({
  COUNTERSIGN_CLIENT_CERT: pem(`${name}.crt`),
  COUNTERSIGN_CLIENT_KEY: pem(`${name}.key`),
});

/** Runs every command that calls a gateway, at its internal listener. */
async function everyCommand(internalUrl: string, deviceKey: string, env: Record<string, string>): Promise<Outcome[]> {
  const settings = {
    COUNTERSIGN_CUSTOMER_KEY: CUSTOMER_KEY,
    COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
    COUNTERSIGN_INTERNAL_URL: internalUrl,
    ...env,
  };
  const commands = [
    ["login", "--device-key", deviceKey, "--url", internalUrl],
    ["customers", "create", "--name", "Acme"],
  ];
  return Promise.all(commands.map((args) => runCommand(args, { env: settings })));
}

test("every command works with a CA and a client certificate, without a warning", async () => {
  const gateway = await startTestGateway(TLS);
  const deviceKey = await gateway.enrol();
  const outcomes = await everyCommand(gateway.internalUrl, deviceKey, { ...TRUST, ...clientPair("client") });
  for (const { status, stdout, stderr } of outcomes) {
    expect([status, stderr, stdout]).toEqual([0, "", expect.stringMatching(/^(eyJ|customer )/)]);
  }
  const args = ["login", "--device-key", deviceKey, "--url", gateway.publicUrl];
  const { status, stderr } = await runCommand(args, { env: { COUNTERSIGN_CUSTOMER_KEY: CUSTOMER_KEY, ...TRUST } });
  expect([status, stderr]).toEqual([0, ""]);
});

test("a failed connection has the same error, with its cure, in every command", async () => {
  const gateway = await startTestGateway(TLS);
  const plain = await startTestGateway();
  const { internalUrl } = gateway;
  const swapScheme = (url: string): string =>
    url.startsWith("https") ? url.replace("https", "http") : url.replace("http", "https");
  const localhost = internalUrl.replace("127.0.0.1", "localhost");
  const certificate =
    /closed the connection \(\w+\)\. If it requires a client certificate, set COUNTERSIGN_CLIENT_CERT and COUNTERSIGN_CLIENT_KEY/;
  const cases: readonly (readonly [string, Record<string, string>, RegExp])[] = [
    [swapScheme(internalUrl), {}, /closed the connection \(\w+\)\. It may have stopped\. If it speaks TLS, use https:/],
    [swapScheme(plain.internalUrl), {}, /does not speak TLS\. Use http:/],
    [
      internalUrl,
      clientPair("client"),
      /no trusted authority .* \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. Set COUNTERSIGN_CA_CERT/,
    ],
    [localhost, TRUST, /is for other names/],
    [internalUrl, TRUST, certificate],
    [internalUrl, { ...TRUST, ...clientPair("stranger") }, certificate],
    [
      "http://127.0.0.1:1",
      {},
      /no gateway answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)\. Start it, or set (--url|COUNTERSIGN_INTERNAL_URL) /,
    ],
    ["https://127.0.0.1:1", {}, /no gateway answers at https:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)/],
  ];
  for (const [url, env, message] of cases) {
    for (const outcome of await everyCommand(url, "pump", env)) {
      expect(outcome).toEqual({ status: 1, stdout: "", stderr: expect.stringMatching(message) });
    }
  }
});

test("errors name invalid files without their content", async () => {
  const login = ["login", "--device-key", "a", "--url", "https://127.0.0.1:1"];
  const { status, stderr } = await runCommand(login, {
    env: {
      COUNTERSIGN_CUSTOMER_KEY: "secret",
      COUNTERSIGN_INTERNAL_URL: "127.0.0.1:9090",
      COUNTERSIGN_CA_CERT: pem("server.key"),
      COUNTERSIGN_CLIENT_CERT: "/nowhere/client.crt",
      COUNTERSIGN_CLIENT_KEY: "-----BEGIN PRIVATE KEY----- SECRET",
    },
  });
  expect([status, stderr.trim().split("\n")]).toEqual([
    2,
    [
      "countersign: COUNTERSIGN_INTERNAL_URL is not an http or https URL. Write http://host:port or https://host:port",
      `countersign: COUNTERSIGN_CA_CERT is ${pem("server.key")}, which holds no certificate in PEM`,
      "countersign: COUNTERSIGN_CLIENT_CERT is /nowhere/client.crt, which cannot be read (ENOENT). Set it to the path of a PEM file",
      "countersign: COUNTERSIGN_CLIENT_KEY is not a path. Set it to the path of a PEM file",
    ],
  ]);
});
