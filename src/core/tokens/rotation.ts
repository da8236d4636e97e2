// The states of signing keys over time: next -> active -> retired -> gone. Pure: the time is handed in.

import { CLOCKS_APART_MS } from "../ports.ts";
import { type AuditEntry, GATEWAY, SEEN_MS } from "../registry/ports.ts";
import { TOKEN_ALGS, type TokenAlg } from "./algorithms.ts";
import type { KeyMaterial } from "./key-material.ts";
import type { MakeKey } from "./new-keys.ts";
import type { NewSigningKey, SigningKey, SigningKeyChange, StoredKeys } from "./ports.ts";
import { DOCUMENT_MAX_AGE } from "./published-document.ts";

/** How long a verifier may keep keys beyond the JWKS' own max-age, in seconds: as long as countersign/verify does at most. */
const MAX_VERIFIER_CACHE_S = 600;
/** How long a key is published before it signs, in milliseconds. The last term has room for who hears of it a second late, too. */
export const PUBLISH_MS = (DOCUMENT_MAX_AGE + MAX_VERIFIER_CACHE_S) * 1_000 + CLOCKS_APART_MS;

/**
 * How long after its key ended to sign a token may be good at most, in milliseconds. A gateway may hear of that late. Where its clock is
 * ahead it issues tokens for so much longer, and by that clock what is published ends so much sooner: twice CLOCKS_APART_MS,
 * though devices be held to a smaller CLOCK_SKEW.
 */
export function tokenLife({ ttlMs, skewMs }: { readonly ttlMs: number; readonly skewMs: number }): number {
  return ttlMs + Math.max(skewMs, CLOCKS_APART_MS) + SEEN_MS + CLOCKS_APART_MS;
}

/** How a ring is to be stored. */
export interface RingRules {
  /** The algorithm of the keys that are made at the start. */
  readonly alg: TokenAlg;
  /** How long after its key ended to sign a token may be good at most, in milliseconds. */
  readonly tokenLifeMs: number;
  /** How long a key is published before it signs, in milliseconds. */
  readonly publishMs: number;
  /** How long a key signs, in milliseconds; undefined: until somebody says so. */
  readonly rotateEveryMs: number | undefined;
}

/** A change that is being put together, on the keys as they are with it. */
export interface Draft {
  find(kid: string): SigningKey | undefined;
  active(): SigningKey | undefined;
  next(): SigningKey | undefined;
  put(key: SigningKey | NewSigningKey): void;
  remove(kid: string): void;
  note(action: string, kid: string, details: AuditEntry["details"]): void;
  /** Undefined where nothing was changed. */
  change(): SigningKeyChange | undefined;
}

/** The facts that a change is decided by. */
export interface Decision {
  readonly draft: Draft;
  readonly stored: StoredKeys;
  readonly make: MakeKey;
  /** Unix milliseconds. */
  readonly at: number;
  readonly rules: RingRules;
}

/** Begins a change that `actor` makes at `at`, in unix milliseconds. */
export function draftChange({ keys }: StoredKeys, at: number, actor = GATEWAY): Draft {
  const current = new Map(keys.map((key) => [key.kid, key]));
  const put = new Map<string, SigningKey | NewSigningKey>();
  const remove: string[] = [];
  const entries: AuditEntry[] = [];
  const inState = (state: SigningKey["state"]) => [...current.values()].find((key) => key.state === state);
  return {
    find: (kid) => current.get(kid),
    active: () => inState("active"),
    next: () => inState("next"),
    put(key) {
      // One that was put a moment ago keeps the private half that came with it.
      const next = { ...put.get(key.kid), ...key };
      current.set(key.kid, next);
      put.set(key.kid, next);
    },
    remove(kid) {
      current.delete(kid);
      if (!put.delete(kid) || keys.some((key) => key.kid === kid)) remove.push(kid);
    },
    note: (action, kid, details) =>
      entries.push({ actor, at, action, resource: `signing-keys/${kid}`, customerId: "", details }),
    change: () =>
      put.size === 0 && remove.length === 0 && entries.length === 0
        ? undefined
        : { put: [...put.values()], remove, entries, at },
  };
}

/** A key pair that is to sign next, or now. */
export function newSigningKey(
  material: KeyMaterial,
  state: "next" | "active",
  at: number,
  { tokenLifeMs }: Pick<RingRules, "tokenLifeMs">,
): NewSigningKey {
  return {
    ...material,
    state,
    createdAt: at,
    importedAt: undefined,
    activatedAt: state === "active" ? at : undefined,
    retiredAt: undefined,
    publishedUntil: undefined,
    rotateAt: undefined,
    tokenLifeMs,
  };
}

/** Has a key sign from now on, in place of the one that does. */
export function activate(decision: Decision, key: SigningKey | NewSigningKey): void {
  const { draft, at, rules } = decision;
  const active = draft.active();
  if (active !== undefined && active.kid !== key.kid) retire(decision, active);
  draft.put({
    ...key,
    state: "active",
    activatedAt: at,
    retiredAt: undefined,
    publishedUntil: undefined,
    rotateAt: undefined,
    tokenLifeMs: rules.tokenLifeMs,
  });
}

function retire({ draft, at, rules }: Decision, key: SigningKey): void {
  const publishedUntil = at + Math.max(key.tokenLifeMs, rules.tokenLifeMs);
  draft.put({ ...key, state: "retired", retiredAt: at, publishedUntil, rotateAt: undefined });
}

/** Why a next key gives way to another before it has signed. */
export type Because = "other_algorithm" | "import";

/** Has the next key give way: whoever has handed it out is to find in the audit log where it went. */
export function removeNext({ draft }: Decision, { kid, state }: SigningKey, because: Because): void {
  draft.remove(kid);
  draft.note("RemoveSigningKey", kid, { state, because });
}

/** Makes the key that is to sign next, where there is none. */
export function makeNext({ draft, make, at, rules }: Decision, alg: TokenAlg): void {
  if (draft.next() !== undefined) return;
  const material = make(alg);
  draft.put(newSigningKey(material, "next", at, rules));
  draft.note("CreateSigningKey", material.kid, { alg });
}

/** Has the next key sign, and makes another of its algorithm. @throws Error where it does not open */
export function rotate(decision: Decision, next: SigningKey): void {
  const { draft, stored, rules } = decision;
  // A key that does not open signs nothing: the active one stays.
  if (stored.keys.some(({ kid }) => kid === next.kid)) stored.openPrivateKey(next.kid).fill(0);
  const before = draft.active();
  activate(decision, next);
  draft.note("RotateSigningKey", next.kid, before === undefined ? {} : { in_place_of: before.kid });
  makeNext(decision, algOf(next, rules));
}

/** Whether verifiers are given it. */
export function isPublished({ state, publishedUntil = 0 }: SigningKey, at: number): boolean {
  return state === "active" || state === "next" || (state === "retired" && publishedUntil > at);
}

/** When every gateway that can be reached publishes the next key, in unix milliseconds. */
export function heardFrom(next: SigningKey): number {
  return next.createdAt + SEEN_MS;
}

/** When the next key was published for long enough, in unix milliseconds. */
export function publishedFrom(next: SigningKey, { publishMs }: Pick<RingRules, "publishMs">): number {
  return next.createdAt + publishMs;
}

/** When the next key is to sign, in unix milliseconds; undefined: nobody knows yet. */
export function rotationTime(
  keys: readonly SigningKey[],
  rules: Pick<RingRules, "publishMs" | "rotateEveryMs">,
): number | undefined {
  const active = keys.find(({ state }) => state === "active");
  const next = keys.find(({ state }) => state === "next");
  if (active === undefined || next === undefined) return undefined;
  const { rotateEveryMs } = rules;
  // A key that became active before this was noted: the first next key tells since when at least it has signed.
  const since = active.activatedAt ?? next.createdAt;
  const planned = rotateEveryMs === undefined ? undefined : since + rotateEveryMs;
  const wanted = Math.min(active.rotateAt ?? Number.POSITIVE_INFINITY, planned ?? Number.POSITIVE_INFINITY);
  return wanted === Number.POSITIVE_INFINITY ? undefined : Math.max(wanted, publishedFrom(next, rules));
}

/** The algorithm of a key of the ring; of one that only a newer gateway knows, the one that keys are made of here. */
export function algOf(key: SigningKey, { alg }: Pick<RingRules, "alg">): TokenAlg {
  return TOKEN_ALGS.find((candidate) => candidate === key.alg) ?? alg;
}
