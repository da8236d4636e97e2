// The states of signing keys over time: next -> active -> retired -> deleted; or revoked. Pure: the time is an argument.

import { AuthError } from "../errors.ts";
import { CLOCKS_APART_MS, LONGEST_TOKEN_LIFE_MS } from "../ports.ts";
import { type Actor, type AuditEntry, GATEWAY, SEEN_MS } from "../registry/ports.ts";
import type { TokenAlg } from "./algorithms.ts";
import { isSameKey, type KeyMaterial } from "./key-material.ts";
import type { NewSigningKey, SigningKey, SigningKeyChange, StoredKeys } from "./ports.ts";
import { DOCUMENT_MAX_AGE } from "./published-document.ts";

/** How long a verifier may cache keys beyond the JWKS's max-age, in seconds: the most that countersign/verify does. */
const MAX_VERIFIER_CACHE_S = 600;
/** How long a key is published before it signs, in milliseconds: the longest cache, and the difference of clocks. */
export const PUBLISH_MS = (DOCUMENT_MAX_AGE + MAX_VERIFIER_CACHE_S) * 1_000 + CLOCKS_APART_MS;

/** How long a retired key stays published, in milliseconds: the longest token's life, and a day for a gateway whose clock is ahead. */
export const RETIRED_MS = LONGEST_TOKEN_LIFE_MS + 86_400_000;

export interface RingRules {
  /** The algorithm of new keys. */
  readonly alg: TokenAlg;
  /** How long a key is published before it signs, in milliseconds. */
  readonly publishMs: number;
  /** How long a key signs, in milliseconds; undefined: until an operator rotates. */
  readonly rotateEveryMs: number | undefined;
}

/** A change of the ring that is being built: the stored keys and the changes so far. */
export interface ChangeBuilder {
  /** The keys before the change. */
  readonly stored: StoredKeys;
  /** Unix milliseconds. */
  readonly at: number;
  readonly rules: RingRules;
  /** Gives a new key pair of the rules' algorithm. */
  readonly make: () => KeyMaterial;
  /** The keys with the change. */
  keys(): readonly SigningKey[];
  put(key: SigningKey | NewSigningKey): void;
  remove(kid: string): void;
  note(action: string, kid: string, details: AuditEntry["details"]): void;
  /** The whole change; undefined: nothing changed. */
  change(): SigningKeyChange | undefined;
}

export function createChangeBuilder(
  facts: Pick<ChangeBuilder, "stored" | "at" | "rules" | "make">,
  actor: Actor = GATEWAY,
): ChangeBuilder {
  const current = new Map<string, SigningKey>(facts.stored.keys.map((key) => [key.kid, key]));
  const put = new Map<string, SigningKey | NewSigningKey>();
  const remove: string[] = [];
  const entries: AuditEntry[] = [];
  return {
    ...facts,
    keys: () => [...current.values()],
    put(key) {
      // A key that this change has added keeps its private half.
      const next = { ...put.get(key.kid), ...key };
      current.set(key.kid, next);
      put.set(key.kid, next);
    },
    remove(kid) {
      current.delete(kid);
      put.delete(kid);
      remove.push(kid);
    },
    note: (action, kid, details) =>
      entries.push({ actor, at: facts.at, action, resource: `signing-keys/${kid}`, customerId: "", details }),
    change: () => (put.size === 0 && remove.length === 0 ? undefined : { put: [...put.values()], remove, entries }),
  };
}

const isActive = ({ state }: SigningKey): boolean => state === "active";
const isNext = ({ state }: SigningKey): boolean => state === "next";

/** When the next key begins to sign, in unix milliseconds: by schedule, or for a new TOKEN_ALG; undefined: when an operator rotates. */
export function rotationTime(keys: readonly SigningKey[], rules: RingRules): number | undefined {
  const [active, next] = [keys.find(isActive), keys.find(isNext)];
  if (active === undefined || next === undefined) return undefined;
  const isOtherAlg = active.alg !== rules.alg && next.alg === rules.alg;
  const wanted = isOtherAlg ? 0 : (active.activatedAt ?? active.createdAt) + (rules.rotateEveryMs ?? Number.NaN);
  return Number.isNaN(wanted) ? undefined : Math.max(wanted, next.createdAt + rules.publishMs);
}

/** Whether keepUp would change anything. `isStarting`: a starting gateway also replaces a next key of another TOKEN_ALG. */
export function isDue(keys: readonly SigningKey[], at: number, rules: RingRules, isStarting: boolean): boolean {
  const next = keys.find(isNext);
  if (next === undefined || !keys.some(isActive)) return true;
  const isUnwanted = isStarting && next.alg !== rules.alg;
  return (
    isUnwanted ||
    keys.some((key) => isExpired(key, at)) ||
    (rotationTime(keys, rules) ?? Number.POSITIVE_INFINITY) <= at
  );
}

function isExpired({ state, retiredAt = 0 }: SigningKey, at: number): boolean {
  return state === "retired" && retiredAt + RETIRED_MS <= at;
}

/** Makes due changes: one active key, one next key, no expired one. @throws Error if the next key is due and cannot be unsealed */
export function keepUp(builder: ChangeBuilder, isStarting: boolean): void {
  const { stored, at, rules } = builder;
  for (const { kid } of stored.keys.filter((key) => isExpired(key, at))) builder.remove(kid);
  const next = builder.keys().find(isNext);
  if (isStarting && next !== undefined && next.alg !== rules.alg) removeNext(builder, next, "other_algorithm");
  if (!builder.keys().some(isActive)) replaceActive(builder);
  makeNext(builder);
  const time = rotationTime(builder.keys(), rules);
  if (time !== undefined && time <= at) rotate(builder);
}

/** Rotates for an operator who saw the key `seen` sign. Of concurrent rotations the first wins. @throws AuthError `failed_precondition` */
export function rotateByHand(builder: ChangeBuilder, seen: string | undefined, atOnce: boolean): void {
  const { at, rules } = builder;
  if (builder.keys().find(isActive)?.kid !== seen) return;
  makeNext(builder);
  const publishedMs = at - (builder.keys().find(isNext)?.createdAt ?? at);
  const neededMs = atOnce ? SEEN_MS : rules.publishMs;
  if (publishedMs < neededMs) {
    const [since, wait] = [publishedMs, neededMs - publishedMs].map((ms) => Math.ceil(ms / 1000));
    throw refused(
      `the next key was published ${since} s ago and services may not have it. Rotate in ${wait} s. With now it signs once it is a second old and services refuse its tokens until they fetch the keys`,
    );
  }
  rotate(builder);
}

/** Revokes a key; the next key replaces an active one at once. @throws AuthError `does_not_exist` */
export function revoke(builder: ChangeBuilder, kid: string): void {
  const { at } = builder;
  const key = builder.keys().find((one) => one.kid === kid);
  if (key === undefined) throw new AuthError("does_not_exist", "no signing key has this kid", { field: "kid" });
  if (key.state === "revoked") return;
  builder.put({ ...key, state: "revoked", retiredAt: key.retiredAt ?? at });
  builder.note("RevokeSigningKey", kid, { state: key.state });
  if (key.state === "active") replaceActive(builder);
  makeNext(builder);
}

/**
 * Imports a key, to sign now or next. A published key keeps its time of publication.
 * @throws AuthError `failed_precondition` for a revoked key, a key of another algorithm than TOKEN_ALG, and a next key that signs
 * or has signed; `already_exists` for the kid of another key, and for a key under another kid
 */
export function takeOver(builder: ChangeBuilder, material: KeyMaterial, asNext: boolean): void {
  const { at, rules } = builder;
  const { kid, alg } = material;
  const there = builder.keys().find(({ publicJwk }) => isSameKey(publicJwk, material.publicJwk));
  if (there?.state === "revoked") throw refused("this key was revoked and signs no more. Import another");
  const isTaken = there === undefined && builder.keys().some((key) => key.kid === kid);
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
    const next = builder.keys().find(isNext);
    if (next !== undefined) removeNext(builder, next, "import");
    builder.put(newSigningKey(material, "next", at));
  } else {
    activate(builder, { ...newSigningKey(material, "active", at), createdAt: there?.createdAt ?? at });
  }
  builder.note("ImportSigningKey", kid, { alg, as: state });
  makeNext(builder);
}

/** Activates the next key, or a new key if there is none, which verifiers fetch at its first token. */
function replaceActive(builder: ChangeBuilder): void {
  if (builder.keys().some(isNext)) rotate(builder);
  else makeKey(builder, "active");
}

function makeNext(builder: ChangeBuilder): void {
  if (!builder.keys().some(isNext)) makeKey(builder, "next");
}

function makeKey(builder: ChangeBuilder, state: "active" | "next"): void {
  const material = builder.make();
  builder.put(newSigningKey(material, state, builder.at));
  builder.note("CreateSigningKey", material.kid, { alg: material.alg });
}

/** Removes the next key, with an audit entry that gives the cause. */
function removeNext(builder: ChangeBuilder, { kid, state }: SigningKey, because: "other_algorithm" | "import"): void {
  builder.remove(kid);
  builder.note("RemoveSigningKey", kid, { state, because });
}

function rotate(builder: ChangeBuilder): void {
  const [before, next] = [builder.keys().find(isActive), builder.keys().find(isNext)];
  if (next === undefined) return;
  // Throws if the next key cannot be unsealed: the active one stays.
  if (builder.stored.keys.includes(next)) builder.stored.openPrivateKey(next.kid).fill(0);
  activate(builder, next);
  builder.note("RotateSigningKey", next.kid, before === undefined ? {} : { in_place_of: before.kid });
  makeNext(builder);
}

function activate(builder: ChangeBuilder, key: SigningKey | NewSigningKey): void {
  const before = builder.keys().find(isActive);
  if (before !== undefined) builder.put({ ...before, state: "retired", retiredAt: builder.at });
  builder.put({ ...key, state: "active", activatedAt: builder.at, retiredAt: undefined });
}

function newSigningKey(material: KeyMaterial, state: "next" | "active", at: number): NewSigningKey {
  return { ...material, state, createdAt: at, activatedAt: state === "active" ? at : undefined, retiredAt: undefined };
}

function refused(message: string): AuthError {
  return new AuthError("failed_precondition", message);
}
