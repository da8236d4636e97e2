// The token, checked by openssl with a key rebuilt from nothing but the published JWKS.

import { spawnSync } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { postLogin, signNow, startTestGateway } from "./gateway.ts";
import { temporaryFolder } from "./program.ts";

test("openssl dgst -verify accepts the token and rejects an altered one", async () => {
  const { enrol, publicUrl } = await startTestGateway({ TOKEN_ALG: "RS256" });
  const login = signNow(await enrol());
  const { token } = JSON.parse(await (await postLogin(publicUrl, login)).text());
  const [header, claims, signature] = String(token).split(".");

  const jwks = JSON.parse(await (await fetch(new URL("/.well-known/jwks.json", publicUrl))).text());
  const { kid } = JSON.parse(Buffer.from(header ?? "", "base64url").toString());
  const jwk = jwks.keys.find((key: { kid: string }) => key.kid === kid);

  const folder = temporaryFolder();
  const pem = createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "pem" });
  writeFileSync(join(folder, "key.pem"), pem);
  writeFileSync(join(folder, "signature"), Buffer.from(signature ?? "", "base64url"));
  const verify = (input: string) =>
    spawnSync("openssl", ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature"], {
      cwd: folder,
      input,
      encoding: "utf8",
    }).stdout;
  expect(verify(`${header}.${claims}`)).toBe("Verified OK\n");
  expect(verify(`${header}.${claims}x`)).toBe("Verification failure\n");
});
