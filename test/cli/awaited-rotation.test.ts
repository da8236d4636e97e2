// `countersign signing-keys rotate` while it waits: what others do to the keys meanwhile, and what it says of that.

import { generateKeyPairSync } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { GATEWAY, SEEN_MS } from "../../src/core/registry/ports.ts";
import type { SigningKeys } from "../../src/core/tokens/signing-keys.ts";
import { type Operator, openOperator } from "./operator.ts";

/** A key is published for so long before it signs, in milliseconds: others have to be quicker. */
const PUBLISH_MS = 2_000;

interface Begun {
  readonly signingKeys: SigningKeys;
  /** The kid of the key that signs, and of the next one. */
  readonly active: string;
  readonly planned: string;
  /** How `rotate` ends. */
  readonly ended: ReturnType<Operator["operate"]>;
}

async function kidOf(signingKeys: SigningKeys, state: "active" | "next"): Promise<string> {
  const key = (await signingKeys.list()).find((candidate) => candidate.state === state);
  return key?.kid ?? expect.fail(`no key is ${state}`);
}

/** Starts `rotate`, and waits until its rotation is planned. */
async function beginRotation(): Promise<Begun> {
  const { gateway, operate } = await openOperator(
    { KEY_ROTATION: "off" },
    { ringTimes: { publishMs: PUBLISH_MS, lookMs: 50 } },
  );
  onTestFinished(() => gateway.close());
  const { signingKeys } = gateway;
  const [active, planned] = [await kidOf(signingKeys, "active"), await kidOf(signingKeys, "next")];
  const ended = operate(["signing-keys", "rotate"]);
  // Without a schedule there is a time for it only then.
  await expect
    .poll(async () => (await signingKeys.list()).some(({ rotationTime }) => rotationTime !== undefined))
    .toBe(true);
  return { signingKeys, active, planned, ended };
}

/** Has `rotate --now` planned by a gateway whose next key was made a moment ago, and has it asked again once `meanwhile` is done. */
async function askTwice(meanwhile: (signingKeys: SigningKeys) => Promise<unknown>) {
  const clock = { now: Date.now() };
  const { gateway, operate } = await openOperator({ KEY_ROTATION: "off" }, { now: () => clock.now });
  onTestFinished(() => gateway.close());
  const { signingKeys } = gateway;
  const planned = await kidOf(signingKeys, "next");
  const ended = operate(["signing-keys", "rotate", "--now", "--no-wait"]);
  await expect
    .poll(async () => (await signingKeys.list()).some(({ rotationTime }) => rotationTime !== undefined))
    .toBe(true);
  clock.now += SEEN_MS;
  await meanwhile(signingKeys);
  return { signingKeys, planned, outcome: await ended };
}

test("--now asks again a second later, and has it sign", async () => {
  const { signingKeys, planned, outcome } = await askTwice(async () => {});
  const next = await kidOf(signingKeys, "next");
  expect(outcome).toMatchObject({ status: 0, stdout: `key ${planned} signs\nkey ${next} is next\n` });
  expect(outcome.stderr).toMatch(
    new RegExp(
      `^countersign: ${planned} was made less than a second ago: asking again in a second\ncountersign: ${planned} was published at .*\n$`,
    ),
  );
});

test("--now does not ask again where somebody else had it sign meanwhile", async () => {
  const { signingKeys, planned, outcome } = await askTwice((keys) => keys.rotate(true, GATEWAY));
  const next = await kidOf(signingKeys, "next");
  expect(outcome).toMatchObject({ status: 0, stdout: `key ${planned} signs\nkey ${next} is next\n` });
  expect((await signingKeys.list()).find(({ state }) => state === "active")?.rotationTime).toBeUndefined();
});

test("where another key was imported to sign meanwhile, it fails and says so", async () => {
  const { signingKeys, planned, ended } = await beginRotation();
  const privateKey = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  await signingKeys.import({ privateKey, kid: "old", asNext: false }, GATEWAY);
  const { status, stdout, stderr } = await ended;
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr.split("\n").at(-2)).toBe(
    `countersign: ${planned} does not sign: old does, since a key was imported or revoked meanwhile. To have another sign, give rotate again`,
  );
});

test("where the active key was revoked meanwhile, the planned one signs", async () => {
  const { signingKeys, active, planned, ended } = await beginRotation();
  await signingKeys.revoke(active, GATEWAY);
  const { status, stdout } = await ended;
  expect([status, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^key ${planned} signs\n`))]);
});

test("where the next key was revoked meanwhile, it waits for the one in its place", async () => {
  const { signingKeys, planned, ended } = await beginRotation();
  await signingKeys.revoke(planned, GATEWAY);
  const next = await kidOf(signingKeys, "next");
  const { status, stdout, stderr } = await ended;
  expect([status, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^key ${next} signs\n`))]);
  expect(stderr).toMatch(
    new RegExp(`\ncountersign: ${next} is next in place of ${planned}, and signs from 20\\S+Z on\n$`),
  );
});
