// `countersign signing-keys`, against a real gateway.

import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PUBLISH_MS } from "../../src/core/tokens/rotation.ts";
import { temporaryFolder } from "../program.ts";
import { startFileOperator, startTestOperator } from "./operator.ts";

/** Lead of the gateway's clock, in milliseconds: the time until every gateway knows the next key. */
const AHEAD_MS = 2_000;
let aheadMs = 0;
const operator = await startFileOperator({ now: () => Date.now() + aheadMs });
aheadMs = AHEAD_MS;

const UNFETCHED = "Services that have not fetched the keys since then refuse its tokens until they do";

/** The kids of the JWKS, the active one first. */
async function publishedKids(): Promise<readonly (string | undefined)[]> {
  const response = await fetch(new URL("/.well-known/jwks.json", operator.gateway.publicUrl));
  const { keys }: { keys: readonly { kid: string }[] } = JSON.parse(await response.text());
  return keys.map(({ kid }) => kid);
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

test("list prints the keys of the JWKS", async () => {
  const [active, next] = await publishedKids();
  const { stdout } = await operator.operate(["signing-keys", "list"]);
  expect(stdout).toMatch(/^kid +alg +state +create_time +activate_time +retire_time +rotate_time\n/);
  expect(stdout).toMatch(new RegExp(`\n${active} +ES256 +active +20`));
  expect(stdout).toMatch(new RegExp(`\n${next} +ES256 +next +20\\S+ +- `));
});

test("rotate --now makes the next key sign, and warns that services may not have it", async () => {
  const [, next] = await publishedKids();
  const { stdout, stderr } = await operator.operate(["signing-keys", "rotate", "--now", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ active: { kid: next }, next: { state: "SIGNING_KEY_STATE_NEXT" } });
  expect(stderr).toMatch(new RegExp(`^countersign: key ${next} was published at 20\\S+Z\\. ${UNFETCHED}\n$`));
});

test("import takes over a key of another server, and revoke revokes it", async () => {
  const file = join(temporaryFolder(), "old.pem");
  writeFileSync(file, newKey());
  const imported = await operator.operate(["signing-keys", "import", file, "--kid", "old"]);
  expect(imported).toMatchObject({ stdout: "key old (ES256) signs\n", stderr: expect.stringContaining(UNFETCHED) });
  expect((await publishedKids())[0]).toBe("old");

  const revoked = await operator.operate(["signing-keys", "revoke", "old"]);
  const [active] = await publishedKids();
  expect(revoked).toMatchObject({
    status: 0,
    stdout: `key old is revoked: services that verify tokens themselves accept its tokens until they fetch the keys again\nkey ${active} signs\n`,
    stderr: expect.stringContaining(UNFETCHED),
  });
  expect(await publishedKids()).not.toContain("old");
});

test("a key that every service has had time to fetch signs without a warning", async () => {
  let now = Date.now() - PUBLISH_MS;
  const { operate } = await startTestOperator({ now: () => now });
  now = Date.now();
  expect(await operate(["signing-keys", "rotate"])).toMatchObject({ status: 0, stderr: "" });
});

test("import --next publishes a key that does not sign yet", async () => {
  const imported = await operator.operate(["signing-keys", "import", "-", "--next"], { input: newKey() });
  const [, next] = await publishedKids();
  expect(imported).toEqual({
    status: 0,
    stdout: `key ${next} (ES256) is published, and signs after the next rotation\n`,
    stderr: "",
  });
});

test("import of a file that is not text names the cure", async () => {
  const der = join(temporaryFolder(), "old.der");
  writeFileSync(der, Buffer.of(0x30, 0xff, 0xff));
  expect(await operator.operate(["signing-keys", "import", der])).toMatchObject({
    status: 2,
    stderr: `countersign: ${der} is not text. Convert DER to PEM with: openssl pkey -inform DER -in FILE\n`,
  });
});

test("a kid may begin with a hyphen", async () => {
  const { status, stderr } = await operator.operate(["signing-keys", "revoke", "-abc-DEF_123"]);
  expect([status, stderr]).toEqual([1, expect.stringContaining("no signing key has this kid")]);
});
