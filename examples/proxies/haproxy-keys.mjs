// Writes the gateway's public keys for haproxy.cfg, keys.map and a PEM file for each slot, and reloads HAProxy. Node 18 or newer.
//
//   node haproxy-keys.mjs https://login.example/.well-known/jwks.json /etc/haproxy/countersign systemctl reload-or-restart haproxy
//
// The words after the folder are the command that reloads HAProxy. The script prints "reloaded" or "unchanged". Without usable keys it fails
// and changes no file; if the command fails, it fails too, and the next run calls the command again.
// For a certificate of your own authority set NODE_EXTRA_CA_CERTS=/etc/haproxy/gateway-ca.pem.

import { spawnSync } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The number of keys that haproxy.cfg has lines for: the active one, the next one and two retired ones. */
const SLOTS = 4;
/** Algorithms that HAProxy verifies (RFC 7518, 3.1) and the gateway signs with. */
const ALGS = ["RS256", "ES256"];
/** The types of tokens: the gateway's setting TOKEN_TYPE. */
const TYPES = ["JWT", "at+jwt"];

/** OpenSSL's code for a certificate of an unknown authority. */
const UNTRUSTED = [
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
];
/** Names the files that HAProxy has read: written after a successful reload, removed once a file changes. */
const STAMP = "reloaded";

const [url, folder, ...reload] = process.argv.slice(2);
if (url === undefined || folder === undefined || reload.length === 0)
  fail("give three arguments: the URL of the key set, a folder, and the command that makes HAProxy read its files");

const keys = await fetchKeys(url);
mkdirSync(folder, { recursive: true });
// The map last: until it is there, no token finds a key that was not there before.
const files = [...renderSlots(keys), ["keys.map", renderMap(keys)]];
const digest = createHash("sha256").update(JSON.stringify(files)).digest("hex");
const changed = files.filter(([name, text]) => read(name) !== text);
if (changed.length === 0 && read(STAMP) === digest) {
  process.stdout.write("unchanged\n");
} else {
  rmSync(join(folder, STAMP), { force: true });
  for (const [name, text] of changed) write(name, text);
  runReload();
  write(STAMP, digest);
  process.stdout.write("reloaded\n");
}

/** @returns the keys that HAProxy can use, in the order of the set: the one that signs, the next, those that were before */
async function fetchKeys(from) {
  const answer = await fetch(from, { signal: AbortSignal.timeout(5_000), redirect: "error" }).catch((error) =>
    fail(`the key set cannot be fetched: ${error.cause?.message ?? error.message}${cureOf(error.cause?.code)}`),
  );
  if (!answer.ok) fail(`the key set cannot be fetched: the answer is ${answer.status}`);
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

/** @returns what to do about a certificate that Node does not trust */
function cureOf(code) {
  if (!UNTRUSTED.includes(code)) return "";
  return ". If it is of your own authority, set NODE_EXTRA_CA_CERTS to that authority's file in PEM";
}

/** A PEM file for each slot; HAProxy requires all of them, so the unused ones repeat the first key, and no line leads to them. */
function renderSlots(keys) {
  return Array.from({ length: SLOTS }, (_, index) => {
    const key = createPublicKey({ key: keys[index] ?? keys[0], format: "jwk" });
    return [`${index + 1}.pem`, key.export({ type: "spki", format: "pem" })];
  });
}

/** Lines for each key: the header of its tokens of either type, as it is written in them, then what the key is for and where it is. */
function renderMap(keys) {
  const lines = keys.map(({ alg, kid }, index) => {
    const headers = TYPES.map((typ) => Buffer.from(JSON.stringify({ alg, typ, kid })).toString("base64url"));
    return `# ${JSON.stringify(kid)}\n${headers.map((header) => `${header} ${alg}:${index + 1}\n`).join("")}`;
  });
  return lines.join("");
}

function runReload() {
  const [command, ...args] = reload;
  // Its output goes to standard error: standard output has this script's one line.
  const { error, status, signal } = spawnSync(command, args, { stdio: ["ignore", process.stderr, process.stderr] });
  if (error === undefined && status === 0) return;
  const outcome = error?.message ?? (signal === null ? `ended with ${status}` : `was ended by ${signal}`);
  fail(`HAProxy keeps the earlier keys: ${reload.join(" ")}: ${outcome}. The next run calls it again`);
}

function write(name, text) {
  const path = join(folder, name);
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function read(name) {
  try {
    return readFileSync(join(folder, name), "utf8");
  } catch {
    return undefined;
  }
}

/** @returns {never} */
function fail(message) {
  process.stderr.write(`haproxy-keys: ${message}\n`);
  process.exit(1);
}
