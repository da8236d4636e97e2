// The states of signing keys over time: next -> active -> retired -> gone; or revoked. Pure: the time is handed in.

import { AuthError } from "../errors.ts";
import { CLOCKS_APART_MS, LONGEST_TOKEN_LIFE_MS } from "../ports.ts";
import { type Actor, type AuditEntry, GATEWAY, SEEN_MS } from "../registry/ports.ts";
import type { TokenAlg } from "./algorithms.ts";
import { isSameKey, type KeyMaterial } from "./key-material.ts";
import type { NewSigningKey, SigningKey, SigningKeyChange, StoredKeys } from "./ports.ts";
import { DOCUMENT_MAX_AGE } from "./published-document.ts";

/** How long a verifier may keep keys beyond the JWKS' own max-age, in seconds: as long as countersign/verify does at most. */
const MAX_VERIFIER_CACHE_S = 600;
/** How long a key is published before it signs, in milliseconds; clocks apart cover a gateway that reads it a second late. */
export const PUBLISH_MS = (DOCUMENT_MAX_AGE + MAX_VERIFIER_CACHE_S) * 1_000 + CLOCKS_APART_MS;

/** How long a retired key stays published, in milliseconds: the longest token, and a day for a gateway whose clock is ahead. */
export const RETIRED_MS = LONGEST_TOKEN_LIFE_MS + 86_400_000;

export interface RingRules {
  /** The algorithm of new keys. */
  readonly alg: TokenAlg;
  /** How long a key is published before it signs, in milliseconds. */
  readonly publishMs: number;
  /** How long a key signs, in milliseconds; undefined: until an operator rotates. */
  readonly rotateEveryMs: number | undefined;
}

/** A change of the ring that is being put together, on the keys as they are with it. */
export interface Draft {
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
  /** Undefined where nothing was changed. */
  change(): SigningKeyChange | undefined;
}

export function draftChange(facts: Pick<Draft, "stored" | "at" | "rules" | "make">, actor: Actor = GATEWAY): Draft {
  const current = new Map<string, SigningKey>(facts.stored.keys.map((key) => [key.kid, key]));
  const put = new Map<string, SigningKey | NewSigningKey>();
  const remove: string[] = [];
  const entries: AuditEntry[] = [];
  return {
    ...facts,
    keys: () => [...current.values()],
    put(key) {
      // A key that was put a moment ago keeps the private half that came with it.
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

/** When the next key signs by itself, in unix milliseconds: by schedule, or for TOKEN_ALG; undefined: when an operator rotates. */
export function rotationTime(keys: readonly SigningKey[], rules: RingRules): number | undefined {
  const [active, next] = [keys.find(isActive), keys.find(isNext)];
  if (active === undefined || next === undefined) return undefined;
  const isOtherAlg = active.alg !== rules.alg && next.alg === rules.alg;
  const wanted = isOtherAlg ? 0 : (active.activatedAt ?? active.createdAt) + (rules.rotateEveryMs ?? Number.NaN);
  return Number.isNaN(wanted) ? undefined : Math.max(wanted, next.createdAt + rules.publishMs);
}

/** Whether keepUp has anything to do. `isStarting`: a gateway that starts judges the next key by its TOKEN_ALG. */
export function isDue(keys: readonly SigningKey[], at: number, rules: RingRules, isStarting: boolean): boolean {
  const next = keys.find(isNext);
  if (next === undefined || !keys.some(isActive)) return true;
  const isUnwanted = isStarting && next.alg !== rules.alg;
  return (
    isUnwanted || keys.some((key) => isOver(key, at)) || (rotationTime(keys, rules) ?? Number.POSITIVE_INFINITY) <= at
  );
}

function isOver({ state, retiredAt = 0 }: SigningKey, at: number): boolean {
  return state === "retired" && retiredAt + RETIRED_MS <= at;
}

/** Keeps a ring whole: one active key, one next key, none that is over. @throws Error where the next key is due and does not open */
export function keepUp(draft: Draft, isStarting: boolean): void {
  const { stored, at, rules } = draft;
  for (const { kid } of stored.keys.filter((key) => isOver(key, at))) draft.remove(kid);
  const next = draft.keys().find(isNext);
  if (isStarting && next !== undefined && next.alg !== rules.alg) removeNext(draft, next, "other_algorithm");
  if (!draft.keys().some(isActive)) replaceActive(draft);
  makeNext(draft);
  const time = rotationTime(draft.keys(), rules);
  if (time !== undefined && time <= at) rotate(draft);
}

/** A rotation by an operator who saw `seen` sign. Of concurrent ones the first wins. @throws AuthError `failed_precondition` */
export function rotateByHand(draft: Draft, seen: string | undefined, atOnce: boolean): void {
  const { at, rules } = draft;
  if (draft.keys().find(isActive)?.kid !== seen) return;
  makeNext(draft);
  const publishedMs = at - (draft.keys().find(isNext)?.createdAt ?? at);
  const neededMs = atOnce ? SEEN_MS : rules.publishMs;
  if (publishedMs < neededMs) {
    const [since, wait] = [publishedMs, neededMs - publishedMs].map((ms) => Math.ceil(ms / 1000));
    throw refused(
      `the next key was published ${since} s ago and services may not have it. Rotate in ${wait} s. With now it signs once it is a second old and services refuse its tokens until they fetch the keys`,
    );
  }
  rotate(draft);
}

/** Trusts a key no more; the next one takes its place at once. @throws AuthError `does_not_exist` */
export function revoke(draft: Draft, kid: string): void {
  const { at } = draft;
  const key = draft.keys().find((one) => one.kid === kid);
  if (key === undefined) throw new AuthError("does_not_exist", "no signing key has this kid", { field: "kid" });
  if (key.state === "revoked") return;
  draft.put({ ...key, state: "revoked", retiredAt: key.retiredAt ?? at });
  draft.note("RevokeSigningKey", kid, { state: key.state });
  if (key.state === "active") replaceActive(draft);
  makeNext(draft);
}

/**
 * Takes a key over, to sign now or next. A published one goes on being so: services have had as long to fetch it.
 * @throws AuthError `failed_precondition` for a revoked key, one of another algorithm than TOKEN_ALG, and one that signs or
 * signed and is to be next; `already_exists` for a kid of another key, and for a key under another kid
 */
export function takeOver(draft: Draft, material: KeyMaterial, asNext: boolean): void {
  const { at, rules } = draft;
  const { kid, alg } = material;
  const there = draft.keys().find(({ publicJwk }) => isSameKey(publicJwk, material.publicJwk));
  if (there?.state === "revoked") throw refused("this key was revoked and signs no more. Import another");
  const isTaken = there === undefined && draft.keys().some((key) => key.kid === kid);
  if (isTaken || (there !== undefined && there.kid !== kid)) {
    const message = isTaken
      ? "another key has this kid. Choose another"
      : `this key is there as ${there?.kid} already. Import it under that kid`;
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
    const next = draft.keys().find(isNext);
    if (next !== undefined) removeNext(draft, next, "import");
    draft.put(newSigningKey(material, "next", at));
  } else {
    activate(draft, { ...newSigningKey(material, "active", at), createdAt: there?.createdAt ?? at });
  }
  draft.note("ImportSigningKey", kid, { alg, as: state });
  makeNext(draft);
}

/** The next key signs, or a new key if there is none: verifiers fetch it at its first token. */
function replaceActive(draft: Draft): void {
  if (draft.keys().some(isNext)) rotate(draft);
  else makeKey(draft, "active");
}

function makeNext(draft: Draft): void {
  if (!draft.keys().some(isNext)) makeKey(draft, "next");
}

function makeKey(draft: Draft, state: "active" | "next"): void {
  const material = draft.make();
  draft.put(newSigningKey(material, state, draft.at));
  draft.note("CreateSigningKey", material.kid, { alg: material.alg });
}

/** The audit log tells whoever handed the key out where it went. */
function removeNext(draft: Draft, { kid, state }: SigningKey, because: "other_algorithm" | "import"): void {
  draft.remove(kid);
  draft.note("RemoveSigningKey", kid, { state, because });
}

function rotate(draft: Draft): void {
  const [before, next] = [draft.keys().find(isActive), draft.keys().find(isNext)];
  if (next === undefined) return;
  // A key that does not open signs nothing: the active one stays.
  if (draft.stored.keys.includes(next)) draft.stored.openPrivateKey(next.kid).fill(0);
  activate(draft, next);
  draft.note("RotateSigningKey", next.kid, before === undefined ? {} : { in_place_of: before.kid });
  makeNext(draft);
}

function activate(draft: Draft, key: SigningKey | NewSigningKey): void {
  const before = draft.keys().find(isActive);
  if (before !== undefined) draft.put({ ...before, state: "retired", retiredAt: draft.at });
  draft.put({ ...key, state: "active", activatedAt: draft.at, retiredAt: undefined });
}

function newSigningKey(material: KeyMaterial, state: "next" | "active", at: number): NewSigningKey {
  return { ...material, state, createdAt: at, activatedAt: state === "active" ? at : undefined, retiredAt: undefined };
}

function refused(message: string): AuthError {
  return new AuthError("failed_precondition", message);
}
