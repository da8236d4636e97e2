// The keys that a verifier keeps: when they are fetched, and that its clock has no part in it.

import { expect, test } from "vitest";
import { createVerifier } from "../../src/verify/exports.ts";
import { NOW, newMint, tokenWith } from "./issuer.ts";
import { begin, mint, other, settled } from "./scene.ts";
import { startIssuer } from "./start-issuer.ts";

test("keys are fetched at the first token, from the issuer's own address, once for all that come at once", async () => {
  const issuer = await startIssuer();
  const paths: string[] = [];
  const own = newMint("key-1", "ES256", `${issuer.url}/`);
  issuer.publish(own);
  const verifier = createVerifier({
    issuer: own.issuer,
    audience: own.audience,
    now: () => NOW,
    fetch: (input, init) => {
      paths.push(String(input));
      return fetch(input, init);
    },
  });
  expect(paths).toEqual([]);
  await Promise.all(Array.from({ length: 100 }, () => verifier.verify(tokenWith(own))));
  expect(paths).toEqual([`${issuer.url}/.well-known/jwks.json`]);
});

test("they are fetched anew before their time is over, behind the requests, and only if they have changed", async () => {
  const scene = await begin();
  const { issuer, pass } = scene;
  await settled(scene, 1);
  pass(239);
  await settled(scene, 1);
  pass(1);
  await settled(scene, 2);
  expect(issuer.requests[0]?.["if-none-match"]).toBeUndefined();
  expect(issuer.requests[1]?.["if-none-match"]).toBe('"key-1"');
  issuer.publish(mint, other);
  pass(240);
  await settled(scene, 3);
  expect(await scene.outcome(other)).toBe("sensor-1");
  expect(issuer.requests.length).toBe(3);
});

test("after a long rest they are looked at first: what was revoked meanwhile is good no more", async () => {
  const { issuer, outcome, pass } = await begin({}, mint, other);
  expect(await outcome(other)).toBe("sensor-1");
  issuer.publish(mint);
  pass(300);
  expect(await outcome(other)).toBe("invalid");
});

test.each([
  ["public, max-age=86400", undefined, 480],
  ["max-age=600", "300", 240],
  ["max-age=0", undefined, 30],
  ["no-store", undefined, 30],
  ["", undefined, 240],
  ["max-age=99999999999", undefined, 240],
])("an answer of Cache-Control %j and Age %j is kept for some time, within bounds", async (control, age, seconds) => {
  const scene = await begin();
  scene.issuer.answer((response) => {
    response.writeHead(200, { "Cache-Control": control, ...(age === undefined ? {} : { Age: age }) });
    response.end(JSON.stringify({ keys: [mint.publicJwk] }));
  });
  await settled(scene, 1);
  scene.pass(seconds - 1);
  await settled(scene, 1);
  scene.pass(1);
  await settled(scene, 2);
});

test("a key that is new is found by one fetch for all that ask", async () => {
  const { issuer, outcome, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  issuer.publish(mint, other);
  pass(30);
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => outcome(other)));
  expect(new Set(outcomes)).toEqual(new Set(["sensor-1"]));
  expect(issuer.requests.length).toBe(2);
});

test("kids that are made up cause one fetch in 30 s, and so they do while fetches fail", async () => {
  const { issuer, outcome, pass, errors } = await begin();
  expect(await outcome()).toBe("sensor-1");
  const flood = (): Promise<string[]> =>
    Promise.all(Array.from({ length: 10 }, (_, at) => outcome({ ...mint, kid: `made-up-${at}` })));
  for (let second = 1; second <= 60; second += 1) {
    pass(1);
    expect(new Set(await flood())).toEqual(new Set(["invalid"]));
  }
  expect(issuer.requests.length).toBe(3);
  issuer.answer((response) => void response.writeHead(500).end());
  for (let second = 1; second <= 60; second += 1) {
    pass(1);
    await flood();
    expect(await outcome()).toBe("sensor-1");
  }
  expect(issuer.requests.length).toBe(5);
  expect(errors.map(({ message }) => message)).toEqual(Array(2).fill("the JWK Set was answered with status 500"));
});

test("a clock that is set forward costs one fetch, one that is set back none", async () => {
  const { issuer, outcome, setClock, pass } = await begin();
  expect(await outcome()).toBe("sensor-1");
  const steps = [31, -31, 3_600, -86_400, 100 * 86_400];
  for (const [at, seconds] of steps.entries()) {
    setClock(seconds);
    expect(await outcome({ ...mint, kid: `made-up-${at}` })).toBe("invalid");
    expect(await outcome()).toBe("sensor-1");
  }
  expect(issuer.requests.length).toBe(4);
  pass(30);
  expect(await outcome({ ...mint, kid: "made-up" })).toBe("invalid");
  expect(issuer.requests.length).toBe(5);
});

test("after a machine slept keys are asked for anew: its other clock stood still", async () => {
  const { issuer, outcome, setClock } = await begin({}, mint);
  expect(await outcome()).toBe("sensor-1");
  issuer.publish(other);
  setClock(1_800);
  expect(await outcome(other)).toBe("sensor-1");
  expect(await outcome()).toBe("invalid");
  expect(issuer.requests.length).toBe(2);
});

test.each([
  [
    "throws",
    () => {
      throw new Error("the log is full");
    },
  ],
  [
    "rejects",
    async () => {
      throw new Error("the log is full");
    },
  ],
])("a log that %s does not end the service", async (_how, onFetchError) => {
  const { issuer, outcome, pass } = await begin({ onFetchError });
  expect(await outcome()).toBe("sensor-1");
  await issuer.stop();
  pass(300);
  expect(await outcome()).toBe("sensor-1");
  pass(30);
  expect(await outcome()).toBe("sensor-1");
});

test("a clock that is set keeps nobody from new keys", async () => {
  for (const seconds of [-86_400, -10, 10, 86_400]) {
    const { issuer, outcome, setClock, pass } = await begin();
    expect(await outcome()).toBe("sensor-1");
    setClock(seconds);
    pass(30);
    issuer.publish(other);
    expect(await outcome(other)).toBe("sensor-1");
    expect(await outcome()).toBe("invalid");
  }
});
