// A verifier accepts the tokens of a gateway, for every algorithm.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { TOKEN_ALGS } from "../../src/core/tokens/algorithms.ts";
import { createVerifier } from "../../src/verify/exports.ts";
import { CUSTOMER_KEY, logInBy, startTestGateway } from "../gateway.ts";
import { validToken } from "../vectors/forge.ts";
import { NOW, newMint, startIssuer } from "./issuer.ts";

test.each(TOKEN_ALGS)("a token of a login by %s has the device and its customer", async (alg) => {
  const { publicUrl, customerId, enrol } = await startTestGateway({ TOKEN_ALG: alg });
  const deviceKey = await enrol();
  const { token } = Object(await (await logInBy(publicUrl, { deviceKey, customerKey: CUSTOMER_KEY })).json());
  const verifier = createVerifier({
    issuer: "https://login.example",
    audience: "devices",
    jwksUrl: `${publicUrl}/.well-known/jwks.json`,
  });
  const identity = await verifier.verify(token);
  expect(identity).toMatchObject({ deviceKey, customerId });
  expect(identity.expiresAt.getTime() - identity.issuedAt.getTime()).toBe(600_000);
});

test("a process that has verified a token ends by itself", async () => {
  const mint = newMint("key-1");
  const issuer = await startIssuer(mint);
  const options = JSON.stringify({ issuer: mint.issuer, audience: mint.audience, jwksUrl: issuer.url });
  const program = `
    import { createVerifier } from "./src/verify/exports.ts";
    const verifier = createVerifier({ ...${options}, now: () => ${NOW} });
    process.stdout.write((await verifier.verify(${JSON.stringify(validToken(mint))})).deviceKey);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  expect([stdout, stderr]).toEqual(["sensor-1", ""]);
});
