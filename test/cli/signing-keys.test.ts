// `countersign signing-keys`, against a real gateway.

import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { PUBLISH_MS } from "../../src/core/tokens/rotation.ts";
import { temporaryFolder } from "../program.ts";
import { type Operator, openOperator } from "./operator.ts";

/** How far the gateway's clock is ahead of this one. */
const clock = { aheadMs: 0 };
let operator: Operator;
beforeAll(async () => {
  operator = await openOperator(
    {},
    {
      now: () => Date.now() + clock.aheadMs,
      // A key is published for a second before it signs: whoever waits for it is not to wait for long.
      ringTimes: { publishMs: 1_000, lookMs: 50 },
    },
  );
});
afterAll(() => operator.gateway.close());

/** The kids of the JWKS, the one that signs first. */
async function publishedKids(): Promise<readonly (string | undefined)[]> {
  const response = await fetch(new URL("/.well-known/jwks.json", operator.gateway.publicUrl));
  const { keys }: { keys: readonly { kid: string }[] } = JSON.parse(await response.text());
  return keys.map(({ kid }) => kid);
}

test("the keys are those that the JWKS shows", async () => {
  const [active, next] = await publishedKids();
  const listed = await operator.operateJson(["signing-keys", "list"]);
  const time = expect.stringMatching(/^20\d\d-/);
  expect(listed).toHaveLength(2);
  expect(listed).toEqual(
    expect.arrayContaining([
      {
        kid: active,
        alg: "ES256",
        state: "SIGNING_KEY_STATE_ACTIVE",
        create_time: time,
        activate_time: time,
        rotate_time: time,
      },
      { kid: next, alg: "ES256", state: "SIGNING_KEY_STATE_NEXT", create_time: time },
    ]),
  );
  const { stdout } = await operator.operate(["signing-keys", "list"]);
  expect(stdout).toMatch(/^kid +alg +state +create_time +activate_time +retire_time +rotate_time\n/);
  expect(stdout).toMatch(new RegExp(`\n${active} +ES256 +active `));
});

test("rotate waits until the next key signs, and says until when", async () => {
  // This one is a moment old.
  await operator.operate(["signing-keys", "rotate", "--now"]);
  const [active, next] = await publishedKids();
  const { status, stdout, stderr } = await operator.operate(["signing-keys", "rotate"]);
  const [signs, follows] = await publishedKids();
  expect([status, signs]).toEqual([0, next]);
  expect(stdout).toBe(`key ${next} signs\nkey ${follows} is next\n`);
  // On a slow machine it may be published for long enough by now.
  if (stderr !== "") {
    expect(stderr).toMatch(
      new RegExp(
        `^countersign: ${next} signs from 20\\S+Z on, when every service has had time to fetch it\ncountersign: waiting for that. Ctrl-C leaves it to the gateways\n$`,
      ),
    );
  }
  expect(await publishedKids()).toContain(active);
});

test("rotate --now warns of what that means", async () => {
  clock.aheadMs += 1_000;
  const [, next] = await publishedKids();
  const { status, stdout, stderr } = await operator.operate(["signing-keys", "rotate", "--now", "--json"]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ active: { kid: next }, next: { state: "SIGNING_KEY_STATE_NEXT" } });
  expect(stderr).toMatch(
    /^countersign: \S+ was published at 20\S+Z\. Services that have not fetched the keys since refuse its tokens until they do\n$/,
  );
});

test.each([[["--no-wait"]], [[]]])("rotate --now %j fails where it is left at a plan, and says so", async (more) => {
  const now = Date.now();
  const { gateway, operate } = await openOperator({}, { now: () => now });
  onTestFinished(() => gateway.close());
  const { status, stdout, stderr } = await operate(["signing-keys", "rotate", "--now", ...more]);
  const keys = await gateway.signingKeys.list();
  const next = keys.find(({ state }) => state === "next")?.kid;
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toBe(
    `countersign: ${next} was made less than a second ago: asking again in a second\n` +
      `countersign: ${next} does not sign yet, only its rotation is planned: it signs from ${new Date(now + PUBLISH_MS).toISOString()} on. To have it sign sooner, give rotate --now again\n`,
  );
});

test("a key of another server is taken over, from a file or standard input, and revoked", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const text = privateKey.export({ format: "pem", type: "pkcs1" }).toString();
  const file = join(temporaryFolder(), "old.pem");
  writeFileSync(file, text);
  const imported = await operator.operate(["signing-keys", "import", file, "--kid", "old"]);
  expect(imported).toMatchObject({ status: 0, stdout: "key old (RS256) signs from now on\n" });
  expect(imported.stderr).toBe(
    "countersign: old (RS256) signs at once. Services that have not fetched the keys since refuse its tokens until they do\n",
  );
  const again = await operator.operate(["signing-keys", "import", "-", "--kid", "old"], { input: text });
  expect(again).toEqual({ status: 0, stdout: "key old (RS256) signs already: nothing was changed\n", stderr: "" });
  expect((await publishedKids())[0]).toBe("old");

  const revoked = await operator.operate(["signing-keys", "revoke", "old"]);
  const [active] = await publishedKids();
  expect(revoked).toMatchObject({
    status: 0,
    stdout: `key old is revoked: services that check tokens by themselves trust it until they fetch the keys anew\nkey ${active} signs\n`,
    stderr: expect.stringMatching(
      new RegExp(
        `^countersign: ${active} was published at 20\\S+Z\\. Services that have not fetched the keys since refuse its tokens until they do\n$`,
      ),
    ),
  });
  expect(await publishedKids()).not.toContain("old");
});

test("import of a key that was published for long warns of nothing, and neither does revoke of one that does not sign", async () => {
  const later = { ms: 0 };
  const { gateway, operate } = await openOperator({}, { now: () => Date.now() + later.ms });
  onTestFinished(() => gateway.close());
  const input = newKey();
  await operate([...importNext, "--kid", "pinned"], { input });
  later.ms = PUBLISH_MS;
  const imported = await operate(["signing-keys", "import", "-", "--kid", "pinned"], { input });
  expect(imported).toEqual({ status: 0, stdout: "key pinned (ES256) signs from now on\n", stderr: "" });

  // This one is known to no service, and has signed since before the command.
  await operate(["signing-keys", "import", "-", "--kid", "new"], { input: newKey() });
  const revoked = await operate(["signing-keys", "revoke", "pinned"]);
  expect(revoked).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/\nkey new signs\n$/) });
});

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

const importNext = ["signing-keys", "import", "-", "--next"];

test("import --next says when the key will sign, and how to have it sign sooner", async () => {
  const { status, stdout, stderr } = await operator.operate(importNext, { input: newKey() });
  const [, next] = await publishedKids();
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    new RegExp(
      `^key ${next} \\(ES256\\) is published\\. It signs at the next rotation, 20\\S+Z; sooner: signing-keys rotate, in 20 minutes\n$`,
    ),
  );
});

test("a rotation that is planned already is the soonest", async () => {
  const slow = await openOperator();
  onTestFinished(() => slow.gateway.close());
  await slow.operate(["signing-keys", "rotate", "--no-wait"]);
  const { stdout } = await slow.operate(importNext, { input: newKey() });
  expect(stdout).toMatch(/^key \S+ \(ES256\) is published\. It signs at the next rotation, 20\S+Z\n$/);
});

test("without a schedule a key signs once it is told to", async () => {
  const unscheduled = await openOperator({ KEY_ROTATION: "off" });
  onTestFinished(() => unscheduled.gateway.close());
  const { stdout } = await unscheduled.operate(importNext, { input: newKey() });
  expect(stdout).toMatch(
    /^key \S+ \(ES256\) is published\. It signs once it is told to: signing-keys rotate, in 20 minutes\n$/,
  );
});

test("a file that is no key is refused, and nothing of it is repeated", async () => {
  const encrypted = generateKeyPairSync("ed25519").privateKey.export({
    format: "pem",
    type: "pkcs8",
    cipher: "aes-256-cbc",
    passphrase: "x",
  });
  const refused = await operator.operate(["signing-keys", "import", "-"], { input: encrypted.toString() });
  expect(refused).toMatchObject({
    status: 1,
    stdout: "",
    stderr:
      "countersign: malformed: private_key is encrypted with a passphrase. Take that off with openssl pkey -in FILE and send what it prints\n",
  });
  const der = join(temporaryFolder(), "old.der");
  writeFileSync(
    der,
    generateKeyPairSync("ed25519").privateKey.export({ format: "der", type: "pkcs8" }).fill(0xff, 0, 4),
  );
  expect(await operator.operate(["signing-keys", "import", der])).toMatchObject({
    status: 2,
    stderr: `countersign: ${der} is not text. If it is DER, turn it into PEM with: openssl pkey -inform DER -in FILE\n`,
  });
});

test("a kid that begins with a hyphen is no option", async () => {
  const { status, stderr } = await operator.operate(["signing-keys", "revoke", "-abc-DEF_123"]);
  expect(status).toBe(1);
  expect(stderr).toContain("no signing key has this kid");
  expect((await operator.operate(["signing-keys", "revoke", "a", "--jsn"])).status).toBe(2);
});
