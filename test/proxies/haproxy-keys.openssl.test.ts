// haproxy-keys.mjs with a gateway that speaks TLS.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startTestGateway } from "../gateway.ts";
import { makeCertificates } from "../http/certificates.ts";
import { temporaryFolder } from "../program.ts";
import { EXAMPLES } from "./example.ts";

const pems = makeCertificates({ server: "ecdsa" });

test("trusts the authority that NODE_EXTRA_CA_CERTS names", async () => {
  const [cert, key] = [join(pems, "server.crt"), join(pems, "server.key")];
  const { publicUrl } = await startTestGateway({ TLS_CERT: cert, TLS_KEY: key });
  const args = [join(EXAMPLES, "haproxy-keys.mjs"), `${publicUrl}/.well-known/jwks.json`, temporaryFolder(), "true"];
  await expect(promisify(execFile)(process.execPath, args)).rejects.toMatchObject({
    stderr: expect.stringContaining("NODE_EXTRA_CA_CERTS"),
  });
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert };
  expect(await promisify(execFile)(process.execPath, args, { env })).toEqual({ stdout: "reloaded\n", stderr: "" });
});
