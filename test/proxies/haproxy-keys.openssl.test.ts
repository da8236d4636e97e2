// haproxy-keys.mjs writes key files for HAProxy from a JWKS.

import { execFile } from "node:child_process";
import { createPublicKey } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startTestGateway } from "../gateway.ts";
import { makeCertificates } from "../http/certificates.ts";
import { temporaryFolder } from "../program.ts";
import { encodeJson } from "../vectors/forge.ts";
import { newMint, startIssuer } from "../verify/issuer.ts";
import { KEYS_SCRIPT } from "./proxy.ts";

const pems = makeCertificates({ server: "ecdsa" });

function writeKeys(url: string, folder: string, reload: readonly string[] = ["true"], env = process.env) {
  return promisify(execFile)(process.execPath, [KEYS_SCRIPT, url, folder, ...reload], { env });
}

function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

test("writes a slot for each usable key, found by the token's header", async () => {
  const mints = ["one", "two"].map((kid) => newMint(kid));
  const issuer = await startIssuer(newMint("other", "EdDSA"), ...mints);
  const folder = join(temporaryFolder(), "keys");
  expect(await writeKeys(issuer.url, folder)).toEqual({
    stdout: "reloaded\n",
    stderr: "1 of 3 keys are left out: HAProxy verifies RS256 and ES256\n",
  });

  const { "keys.map": map = "", reloaded, ...slots } = filesOf(folder);
  expect(reloaded).toBeDefined();
  const [one, two] = mints.map(({ privateKey }) => createPublicKey(privateKey).export({ type: "spki", format: "pem" }));
  expect(slots).toEqual({ "1.pem": one, "2.pem": two, "3.pem": one, "4.pem": one });
  const lines = map.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const headers = mints.flatMap(({ alg, kid }, at) =>
    ["JWT", "at+jwt"].map((typ) => `${encodeJson({ alg, typ, kid })} ES256:${at + 1}`),
  );
  expect(lines).toEqual(headers);
});

test("writes at most four keys, and reports more", async () => {
  const issuer = await startIssuer(...["1", "2", "3", "4", "5"].map((kid) => newMint(kid)));
  const folder = temporaryFolder();
  const { stderr } = await writeKeys(issuer.url, folder);
  expect(stderr).toBe("there are 5 keys: add slots, here and in haproxy.cfg\n");
  expect(filesOf(folder)["keys.map"]).not.toContain('# "5"');
});

test("keeps its files when the JWKS is not usable", async () => {
  const issuer = await startIssuer(newMint("one"));
  const folder = temporaryFolder();
  await writeKeys(issuer.url, folder);
  const before = filesOf(folder);
  for (const [status, body, message] of [
    [503, '{"keys":[]}', "the answer is 503"],
    [200, "<html>", "is not JSON"],
    [200, '{"keys":{}}', "has no keys"],
    [200, '{"keys":[]}', "has no key that HAProxy can use"],
    [302, "", "cannot be fetched"],
  ] as const) {
    issuer.answer((response) => response.writeHead(status, { Location: "/elsewhere" }).end(body));
    const stderr = expect.stringContaining(message);
    await expect(writeKeys(issuer.url, folder)).rejects.toMatchObject({ code: 1, stderr });
  }
  expect(filesOf(folder)).toEqual(before);
});

test('prints "unchanged" only for keys that HAProxy has read', async () => {
  const [stolen, next] = [newMint("stolen"), newMint("next")];
  const issuer = await startIssuer(stolen, next);
  const folder = temporaryFolder();
  const copy = join(temporaryFolder(), "keys.map");
  // A reload command that reads the files as HAProxy does.
  const reads = ["cp", join(folder, "keys.map"), copy];
  const run = async (reload: readonly string[]) => (await writeKeys(issuer.url, folder, reload)).stdout;

  expect([await run(reads), await run(["false"])]).toEqual(["reloaded\n", "unchanged\n"]);

  issuer.publish(next);
  for (const [reload, outcome] of [
    [["false"], "false: ended with 1"],
    [["sh", "-c", "kill -9 $$"], "was ended by SIGKILL"],
    [["no-such-program"], "ENOENT"],
  ] as const) {
    const message = `^haproxy-keys: HAProxy keeps the earlier keys: .*${outcome}.*calls it again`;
    const stderr = expect.stringMatching(new RegExp(message));
    await expect(run(reload)).rejects.toMatchObject({ code: 1, stdout: "", stderr });
  }
  expect(readFileSync(copy, "utf8")).toContain('"stolen"');
  expect([await run(reads), await run(["false"])]).toEqual(["reloaded\n", "unchanged\n"]);
  expect(readFileSync(copy, "utf8")).not.toContain('"stolen"');

  // HAProxy no longer has the keys of two reloads ago.
  issuer.publish(stolen, next);
  await expect(run(["false"])).rejects.toMatchObject({ code: 1 });
  issuer.publish(next);
  expect(await run(reads)).toBe("reloaded\n");

  // A file that another program wrote is replaced too.
  writeFileSync(join(folder, "1.pem"), "other");
  expect(await run(reads)).toBe("reloaded\n");
});

test("requires a reload command", async () => {
  const issuer = await startIssuer(newMint("one"));
  const folder = temporaryFolder();
  const stderr = expect.stringContaining("the command that makes HAProxy read its files");
  await expect(writeKeys(issuer.url, folder, [])).rejects.toMatchObject({ code: 1, stderr });
  expect(filesOf(folder)).toEqual({});
});

test("trusts the authority that NODE_EXTRA_CA_CERTS names", async () => {
  const [cert, key] = [join(pems, "server.crt"), join(pems, "server.key")];
  const { publicUrl } = await startTestGateway({ TLS_CERT: cert, TLS_KEY: key });
  const url = `${publicUrl}/.well-known/jwks.json`;
  const stderr = expect.stringContaining("NODE_EXTRA_CA_CERTS");
  await expect(writeKeys(url, temporaryFolder())).rejects.toMatchObject({ stderr });
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert };
  expect(await writeKeys(url, temporaryFolder(), ["true"], env)).toEqual({ stdout: "reloaded\n", stderr: "" });
});
