// The states of signing keys: next -> active -> retired -> deleted, or revoked.

import { AuthError } from "../errors.ts";
import { CLOCKS_APART_MS, LONGEST_TOKEN_LIFE_MS } from "../ports.ts";
import { type Actor, type AuditEntry, SEEN_MS } from "../registry/ports.ts";
import type { TokenAlg } from "./algorithms.ts";
import { isSameKey, type KeyMaterial } from "./key-material.ts";
import type { NewSigningKey, SigningKey, SigningKeyChange, StoredKeys } from "./ports.ts";

/** Lifetime of the JWKS and the metadata in a verifier's cache, in seconds. */
export const JWKS_MAX_AGE_S = 300;
/** How long a verifier may cache keys beyond the JWKS's max-age, in seconds: the most that countersign/verify does. */
const MAX_VERIFIER_CACHE_S = 600;
/** How long a key is published before it signs, in milliseconds: the longest caching, plus the difference of clocks. */
export const PUBLISH_MS = (JWKS_MAX_AGE_S + MAX_VERIFIER_CACHE_S) * 1_000 + CLOCKS_APART_MS;

/** How long a retired key stays published, in milliseconds: a token's longest life, plus a day for a gateway whose clock is ahead. */
export const RETIRED_MS = LONGEST_TOKEN_LIFE_MS + 86_400_000;

export interface RingRules {
  /** The algorithm of new keys. */
  readonly alg: TokenAlg;
  /** How long a key is published before it signs, in milliseconds. */
  readonly publishMs: number;
  /** How long a key signs, in milliseconds; undefined if an operator rotates. */
  readonly rotateEveryMs: number | undefined;
}

/** A change of the ring that is being decided. */
export interface RingChange {
  /** The keys before the change. */
  readonly stored: StoredKeys;
  /** Unix milliseconds. */
  readonly at: number;
  readonly rules: RingRules;
  readonly actor: Actor;
  /** Gives a new key pair of the rules' algorithm. */
  readonly make: () => KeyMaterial;
  /** The keys with the change, by kid. */
  readonly keys: Map<string, SigningKey | NewSigningKey>;
  readonly entries: AuditEntry[];
}

/** Lets `decide` change the stored keys. @returns the change @throws what `decide` throws */
export function decideChange(
  facts: Omit<RingChange, "keys" | "entries">,
  decide: (change: RingChange) => void,
): SigningKeyChange {
  const { keys: before } = facts.stored;
  const keys = new Map<string, SigningKey | NewSigningKey>(before.map((key) => [key.kid, key]));
  const entries: AuditEntry[] = [];
  decide({ ...facts, keys, entries });
  const put = [...keys.values()].filter((key) => !before.includes(key));
  return { put, remove: before.map(({ kid }) => kid).filter((kid) => !keys.has(kid)), entries };
}

function note({ actor, at, entries }: RingChange, action: string, kid: string, details: AuditEntry["details"]): void {
  entries.push({ actor, at, action, resource: `signing-keys/${kid}`, customerId: "", details });
}

function keyOf<Key extends SigningKey>(keys: Iterable<Key>, state: "active" | "next"): Key | undefined {
  return [...keys].find((key) => key.state === state);
}

/** When the next key begins to sign, in Unix milliseconds: by schedule, or for a new TOKEN_ALG; undefined if an operator rotates. */
export function rotationTime(keys: readonly SigningKey[], rules: RingRules): number | undefined {
  const [active, next] = [keyOf(keys, "active"), keyOf(keys, "next")];
  if (active === undefined || next === undefined) return undefined;
  const isOtherAlg = active.alg !== rules.alg && next.alg === rules.alg;
  const wanted = isOtherAlg ? 0 : (active.activatedAt ?? active.createdAt) + (rules.rotateEveryMs ?? Number.NaN);
  return Number.isNaN(wanted) ? undefined : Math.max(wanted, next.createdAt + rules.publishMs);
}

function isExpired({ state, retiredAt = 0 }: SigningKey, at: number): boolean {
  return state === "retired" && retiredAt + RETIRED_MS <= at;
}

/**
 * Makes due changes: one active key, one next key, no expired one. A starting gateway also replaces a next key of another TOKEN_ALG.
 * @throws Error if the next key is due and cannot be unsealed
 */
export function keepUp(change: RingChange, isStarting: boolean): void {
  const { stored, at, rules, keys } = change;
  for (const { kid } of stored.keys.filter((key) => isExpired(key, at))) keys.delete(kid);
  const next = keyOf(keys.values(), "next");
  if (isStarting && next !== undefined && next.alg !== rules.alg) removeNext(change, next, "other_algorithm");
  if (keyOf(keys.values(), "active") === undefined) replaceActive(change);
  makeNext(change);
  const time = rotationTime([...keys.values()], rules);
  if (time !== undefined && time <= at) rotate(change);
}

/** Rotates for an operator who saw the key `seen` sign. Of concurrent rotations the first wins. @throws AuthError `failed_precondition` */
export function rotateByHand(change: RingChange, seen: string | undefined, atOnce: boolean): void {
  const { at, rules, keys } = change;
  if (keyOf(keys.values(), "active")?.kid !== seen) return;
  const publishedMs = at - makeNext(change).createdAt;
  const neededMs = atOnce ? SEEN_MS : rules.publishMs;
  if (publishedMs < neededMs) {
    const [since, wait] = [publishedMs, neededMs - publishedMs].map((ms) => Math.ceil(ms / 1000));
    throw refused(
      `the next key was published ${since} s ago and services may not have it. Rotate in ${wait} s. With --now (now in the API) the key rotates at once, and services refuse its tokens until they fetch the keys`,
    );
  }
  rotate(change);
}

/** Revokes a key; the next key replaces an active one at once. @throws AuthError `does_not_exist` */
export function revoke(change: RingChange, kid: string): void {
  const key = change.keys.get(kid);
  if (key === undefined) throw new AuthError("does_not_exist", "no signing key has this kid", { field: "kid" });
  if (key.state === "revoked") return;
  change.keys.set(kid, { ...key, state: "revoked", retiredAt: key.retiredAt ?? change.at });
  note(change, "RevokeSigningKey", kid, { state: key.state });
  if (key.state === "active") replaceActive(change);
  makeNext(change);
}

/**
 * Imports a key, to sign now or next. A published key keeps its time of publication.
 * @throws AuthError `failed_precondition` for a revoked key, a key of another algorithm than TOKEN_ALG, and a next key that signs
 * or has signed; `already_exists` for the kid of another key, and for a key that is stored under another kid
 */
export function takeOver(change: RingChange, material: KeyMaterial, asNext: boolean): void {
  const { at, rules, keys } = change;
  const { kid, alg } = material;
  const there = [...keys.values()].find(({ publicJwk }) => isSameKey(publicJwk, material.publicJwk));
  if (there?.state === "revoked") throw refused("this key was revoked and signs no more. Import another");
  const isTaken = there === undefined && keys.has(kid);
  if (isTaken || (there !== undefined && there.kid !== kid)) {
    const message = isTaken
      ? "another key has this kid. Choose another"
      : `this key exists already under the kid ${there?.kid}. Import it under that kid`;
    throw new AuthError("already_exists", message, { field: "kid" });
  }
  if (alg !== rules.alg) {
    throw refused(
      `this key is for ${alg} and new keys are for ${rules.alg}. Set COUNTERSIGN_TOKEN_ALG to ${alg} first`,
    );
  }
  const state = asNext ? "next" : "active";
  if (there?.state === state) return;
  if (asNext && there !== undefined) throw refused("this key signs or has signed already. It cannot be the next one");
  if (asNext) {
    const next = keyOf(keys.values(), "next");
    if (next !== undefined) removeNext(change, next, "import");
    keys.set(kid, newSigningKey(material, "next", at));
  } else {
    activate(change, { ...newSigningKey(material, "active", at), createdAt: there?.createdAt ?? at });
  }
  note(change, "ImportSigningKey", kid, { alg, as: state });
  makeNext(change);
}

/** Activates the next key. Without one, activates a new key, which verifiers fetch at its first token. */
function replaceActive(change: RingChange): void {
  if (keyOf(change.keys.values(), "next") === undefined) makeKey(change, "active");
  else rotate(change);
}

/** Makes a next key unless there is one. @returns the next key */
function makeNext(change: RingChange): SigningKey {
  return keyOf(change.keys.values(), "next") ?? makeKey(change, "next");
}

function makeKey(change: RingChange, state: "active" | "next"): SigningKey {
  const key = newSigningKey(change.make(), state, change.at);
  change.keys.set(key.kid, key);
  note(change, "CreateSigningKey", key.kid, { alg: key.alg });
  return key;
}

/** Removes the next key, with an audit entry that gives the cause. */
function removeNext(change: RingChange, { kid, state }: SigningKey, because: "other_algorithm" | "import"): void {
  change.keys.delete(kid);
  note(change, "RemoveSigningKey", kid, { state, because });
}

function rotate(change: RingChange): void {
  const [before, next] = [keyOf(change.keys.values(), "active"), makeNext(change)];
  // Throws if the next key cannot be unsealed: the active one stays.
  if (change.stored.keys.includes(next)) change.stored.openPrivateKey(next.kid).fill(0);
  activate(change, next);
  note(change, "RotateSigningKey", next.kid, before === undefined ? {} : { in_place_of: before.kid });
  makeNext(change);
}

function activate(change: RingChange, key: SigningKey | NewSigningKey): void {
  const before = keyOf(change.keys.values(), "active");
  if (before !== undefined) change.keys.set(before.kid, { ...before, state: "retired", retiredAt: change.at });
  change.keys.set(key.kid, { ...key, state: "active", activatedAt: change.at, retiredAt: undefined });
}

function newSigningKey(material: KeyMaterial, state: "next" | "active", at: number): NewSigningKey {
  return { ...material, state, createdAt: at, activatedAt: state === "active" ? at : undefined, retiredAt: undefined };
}

function refused(message: string): AuthError {
  return new AuthError("failed_precondition", message);
}
