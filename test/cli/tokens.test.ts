// `countersign explain`, `tokens`, `customers revoke-tokens` and `signing-keys`.

import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { PUBLISH_MS } from "../../src/core/tokens/rotation.ts";
import { startFileOperator, startTestOperator } from "../command.ts";
import { postLogin, signNow } from "../gateway.ts";
import { temporaryFolder } from "../program.ts";

/** Lead of the gateway's clock, in milliseconds: the time until every gateway knows the next key. */
const AHEAD_MS = 2_000;
let aheadMs = 0;
const { gateway, operate, operateJson, expectOutput } = await startFileOperator({ now: () => Date.now() + aheadMs });
aheadMs = AHEAD_MS;

const deviceKey = await gateway.enrol();
const EXPLAIN = `explain --device-key ${deviceKey} --body`;

/** The body of a login signed at a time in seconds. */
const bodyAt = (seconds: number) => JSON.stringify(signNow(deviceKey, undefined, seconds));

test("explain reads a correct login, in a file or on standard input", async () => {
  const input = JSON.stringify(signNow(deviceKey));
  const file = join(temporaryFolder(), "request.json");
  writeFileSync(file, input);
  for (const from of [file, "-"]) await expectOutput(`${EXPLAIN} ${from}`, /^nothing_wrong: [^\n]+\n$/, { input });
});

test("explain has status 1 for a wrong login, and a line for each mistake", async () => {
  const input = bodyAt(12_345).replace('"device_signature":"', '"device_signature":"SHA2-256(stdin)= ');
  const stdout = /^malformed: [^\n]+\nclock_never_set: [^\n]+\nsignature_right: [^\n]+\n$/;
  const stderr = "countersign: this login would fail\n";
  await expectOutput(`${EXPLAIN} -`, { status: 1, stdout, stderr }, { input });
});

test("explain --json prints the response of the contract, and --at sets the time of the login", async () => {
  const seconds = Math.floor(Date.now() / 1000) - 7_980;
  const input = bodyAt(seconds);
  const { status, stdout, stderr } = await operate(`${EXPLAIN} - --json`, { input });
  const findings = [{ code: "clock_behind" }, { code: "signature_right" }];
  expect([status, JSON.parse(stdout)]).toMatchObject([1, { would_succeed: false, findings }]);
  expect(JSON.parse(stderr).error).toMatchObject({ findings: ["clock_behind", "signature_right"] });
  const at = new Date(seconds * 1000).toISOString();
  expect(await operateJson(`${EXPLAIN} - --at ${at}`, { input })).toMatchObject([{ would_succeed: true }]);
});

const ADVICE =
  "services that ask a gateway refuse them at once, services that verify tokens themselves accept them until they expire";

test("a token is revoked by its jti, by the token on standard input, and by its customer", async () => {
  const { token } = JSON.parse(await (await postLogin(gateway.publicUrl, signNow(deviceKey))).text());
  const { jti } = decodeJwt(token);
  await expectOutput(`tokens revoke ${jti}`, `any token with jti ${jti} is revoked: ${ADVICE}\n`);
  const read = await operateJson("tokens revoke -", { input: `${token}\n` });
  expect(read).toEqual([{ jti, expire_time: expect.any(String) }]);
  const { customerId } = gateway;
  const until = `the tokens issued to devices of customer ${customerId} until now are revoked`;
  await expectOutput(`customers revoke-tokens ${customerId}`, `${until}: ${ADVICE}\n`);
});

test("tokens revoke takes only a jti or a token, and repeats no token", async () => {
  const token = "a.c2VjcmV0.b";
  const noJti = await operate("tokens revoke -", { input: token });
  expect(noJti).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/^countersign: standard input holds no token with a jti/),
  });
  const whole = await operate(`tokens revoke ${token}`);
  expect(whole.status).toBe(2);
  expect(noJti.stderr + whole.stderr).not.toContain("c2VjcmV0");
  for (const name of ["'no jti'", "pump-7", "a".repeat(21)]) {
    expect((await operate(`tokens revoke ${name}`)).stderr).toContain("jti is not a token id");
  }
  // A jti may begin with a hyphen.
  await expectOutput("tokens revoke -h4J5k6L7m8N9p0Q1r2s", /is revoked/);
});

const UNFETCHED = "Services that have not fetched the keys since then refuse its tokens until they do";

/** The kids of the JWKS, the active one first. */
async function publishedKids(): Promise<readonly string[]> {
  const response = await fetch(new URL("/.well-known/jwks.json", gateway.publicUrl));
  const { keys }: { keys: readonly { kid: string }[] } = JSON.parse(await response.text());
  return keys.map(({ kid }) => kid);
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

test("signing-keys list prints the keys of the JWKS", async () => {
  const [active, next] = await publishedKids();
  const { stdout } = await operate("signing-keys list");
  expect(stdout).toMatch(/^kid +alg +state +create_time +activate_time +retire_time +rotate_time\n/);
  expect(stdout).toMatch(new RegExp(`\n${active} +ES256 +active +20`));
  expect(stdout).toMatch(new RegExp(`\n${next} +ES256 +next +20\\S+ +- `));
});

test("rotate --now makes the next key sign, and warns that services may not have it", async () => {
  const [, next] = await publishedKids();
  const { stdout, stderr } = await operate("signing-keys rotate --now --json");
  expect(JSON.parse(stdout)).toMatchObject({ active: { kid: next }, next: { state: "SIGNING_KEY_STATE_NEXT" } });
  expect(stderr).toMatch(new RegExp(`^countersign: key ${next} was published at 20\\S+Z\\. ${UNFETCHED}\n$`));
});

test("import takes over a key of another server, and revoke revokes it", async () => {
  const file = join(temporaryFolder(), "old.pem");
  writeFileSync(file, newKey());
  const stderr = new RegExp(UNFETCHED);
  await expectOutput(`signing-keys import ${file} --kid old`, { stdout: "key old (ES256) signs\n", stderr });
  expect((await publishedKids())[0]).toBe("old");

  const revoked = await operate("signing-keys revoke old");
  const kids = await publishedKids();
  const advice = "services that verify tokens themselves accept its tokens until they fetch the keys again";
  expect(revoked.stdout).toBe(`key old is revoked: ${advice}\nkey ${kids[0]} signs\n`);
  expect(revoked.stderr).toMatch(stderr);
  expect(kids).not.toContain("old");
});

test("a key that every service has had time to fetch signs without a warning", async () => {
  let now = Date.now() - PUBLISH_MS;
  const other = await startTestOperator({ now: () => now });
  now = Date.now();
  await other.expectOutput("signing-keys rotate", /^key \S+ signs\nkey \S+ is next\n$/);
});

test("import --next publishes a key that does not sign yet", async () => {
  const { stdout } = await operate("signing-keys import - --next", { input: newKey() });
  const [, next] = await publishedKids();
  expect(stdout).toBe(`key ${next} (ES256) is published, and signs after the next rotation\n`);
});

test("import of a file that is not text names the cure", async () => {
  const der = join(temporaryFolder(), "old.der");
  writeFileSync(der, Buffer.of(0x30, 0xff, 0xff));
  const cure = "Convert DER to PEM with: openssl pkey -inform DER -in FILE";
  await expectOutput(`signing-keys import ${der}`, { status: 2, stderr: `countersign: ${der} is not text. ${cure}\n` });
});

test("a kid may begin with a hyphen", async () => {
  await expectOutput("signing-keys revoke -abc-DEF_123", { status: 1, stderr: /no signing key has this kid/ });
});
