// Writes the gateway's public keys where haproxy.cfg reads them: keys.map and a PEM file for each slot. Any Node from 18 on.
//
//   node haproxy-keys.mjs https://login.example/.well-known/jwks.json /etc/haproxy/countersign
//
// It says "changed" or "unchanged", and fails, leaving all as it was, where it cannot say what the keys are. Every five minutes:
//
//   node haproxy-keys.mjs … | grep -q '^changed' && systemctl reload haproxy

import { createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** As many as haproxy.cfg has lines for: the key that signs, the next one, and two that were before. */
const SLOTS = 4;
/** What HAProxy verifies (RFC 7518, 3.1) and the gateway signs with. */
const ALGS = ["RS256", "ES256"];

const [url, folder] = process.argv.slice(2);
if (url === undefined || folder === undefined) fail("the URL of the key set and a folder are missing");

const keys = await fetchKeys(url);
mkdirSync(folder, { recursive: true });
// The map last: until it is there, no token finds a key that was not there before.
const changed = [...renderSlots(keys), ["keys.map", renderMap(keys)]].filter(([name, text]) => write(name, text));
process.stdout.write(changed.length === 0 ? "unchanged\n" : "changed\n");

/** @returns the keys that HAProxy can use, in the order of the set: the one that signs, the next, those that were before */
async function fetchKeys(from) {
  const answer = await fetch(from, { signal: AbortSignal.timeout(5_000), redirect: "error" }).catch((error) =>
    fail(`the key set cannot be had: ${error.cause?.message ?? error.message}`),
  );
  if (!answer.ok) fail(`the key set cannot be had: the answer is ${answer.status}`);
  const { keys: published } = await answer.json().catch(() => fail("the key set is not JSON"));
  if (!Array.isArray(published)) fail("the key set has no keys");
  const usable = published.filter(({ alg, kid }) => ALGS.includes(alg) && typeof kid === "string");
  const others = published.length - usable.length;
  if (others > 0)
    process.stderr.write(
      `${others} of ${published.length} keys are left out: HAProxy verifies ${ALGS.join(" and ")}\n`,
    );
  if (usable.length === 0) fail("the key set has no key that HAProxy can use");
  // Those left over were retired before the others, and have the fewest tokens left.
  if (usable.length > SLOTS)
    process.stderr.write(`there are ${usable.length} keys: add slots, here and in haproxy.cfg\n`);
  return usable.slice(0, SLOTS);
}

/** A PEM file for each slot; HAProxy wants all of them to be there, so those left over repeat the first, and no line leads to them. */
function renderSlots(keys) {
  return Array.from({ length: SLOTS }, (_, index) => {
    const key = createPublicKey({ key: keys[index] ?? keys[0], format: "jwk" });
    return [`${index + 1}.pem`, key.export({ type: "spki", format: "pem" })];
  });
}

/** A line for each key: the header of all of its tokens, as it is written in them, then what the key is for and where it is. */
function renderMap(keys) {
  const lines = keys.map(({ alg, kid }, index) => {
    const header = Buffer.from(JSON.stringify({ alg, typ: "JWT", kid })).toString("base64url");
    return `# ${JSON.stringify(kid)}\n${header} ${alg}:${index + 1}\n`;
  });
  return lines.join("");
}

/** @returns whether that was not there already */
function write(name, text) {
  const path = join(folder, name);
  if (read(path) === text) return false;
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
  return true;
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** @returns {never} */
function fail(message) {
  process.stderr.write(`haproxy-keys: ${message}\n`);
  process.exit(1);
}
