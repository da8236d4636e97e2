// What operators may do to signing keys, decided by the keys as they are. Pure: knows no store, and is handed the time.

import type { TokenAlg } from "./algorithms.ts";
import { isSameKey, type KeyMaterial } from "./key-material.ts";
import type { KeptKeys, SigningKey } from "./ports.ts";
import { keyThereAs, noSigningKey, notNext, otherAlgorithm, revokedKey, takenKid } from "./refusals.ts";
import {
  activate,
  algOf,
  type Draft,
  makeNext,
  newSigningKey,
  publishedFrom,
  type RingRules,
  rotate,
  type Spare,
} from "./rotation.ts";

/** What a change is decided with. */
export interface Desk {
  readonly draft: Draft;
  readonly kept: KeptKeys;
  readonly spare: Spare;
  /** Unix milliseconds. */
  readonly at: number;
  readonly rules: RingRules;
}

/** Has the next key sign, if it was published for long enough or `now` says so; else notes that it shall. */
export function rotateOrPlan({ draft, kept, spare, at, rules }: Desk, now: boolean): void {
  dropLostNext(draft, kept);
  makeNext(draft, rules.alg, spare, at, rules);
  const active = draft.active();
  const next = draft.next();
  if (next === undefined) return;
  if (active === undefined || now || publishedFrom(next, rules) <= at) {
    rotate(draft, next, spare, at, rules);
  } else if (active.rotateAt === undefined || active.rotateAt > at) {
    draft.put({ ...active, rotateAt: at });
    const due = new Date(publishedFrom(next, rules)).toISOString();
    draft.note("PlanSigningKeyRotation", next.kid, { in_place_of: active.kid, due });
  }
}

/** Trusts a key no more; another takes its place at once. @throws AuthError `does_not_exist` */
export function revoke({ draft, kept, spare, at, rules }: Desk, kid: string): void {
  const key = draft.find(kid);
  if (key === undefined) throw noSigningKey();
  if (key.state === "revoked") return;
  draft.put({
    ...key,
    state: "revoked",
    retiredAt: key.retiredAt ?? at,
    publishedUntil: undefined,
    rotateAt: undefined,
  });
  draft.note("RevokeSigningKey", kid, { state: key.state });
  const alg = algOf(key, rules);
  if (key.state === "active") replaceActive({ draft, kept, spare, at, rules }, alg);
  else if (key.state === "next") makeNext(draft, alg, spare, at, rules);
}

function replaceActive({ draft, kept, spare, at, rules }: Desk, alg: TokenAlg): void {
  dropLostNext(draft, kept);
  const next = draft.next();
  if (next === undefined) {
    // Nothing that is published could sign: verifiers look for the new key at the first token that names it.
    const material = spare(alg);
    draft.put(newSigningKey(material, "active", at, rules));
    draft.note("CreateSigningKey", material.kid, { alg });
    makeNext(draft, alg, spare, at, rules);
  } else {
    rotate(draft, next, spare, at, rules);
  }
}

/** What has signed nothing yet and does not open here gives way to a new one. */
function dropLostNext(draft: Draft, kept: KeptKeys): void {
  const next = draft.next();
  if (next !== undefined && kept.isLost(next.kid)) draft.remove(next.kid);
}

/**
 * Takes a key over, to sign now or next. One that is there in that state already stays as it is.
 * @throws AuthError `failed_precondition` for one that was revoked, or that cannot be what it is to be; `already_exists` for a kid
 * that another key has, or a key that has another kid
 */
export function takeOver(desk: Desk, material: KeyMaterial, asNext: boolean): void {
  const { draft, kept, spare, at, rules } = desk;
  const there = kept.keys.find(({ publicJwk }) => isSameKey(publicJwk, material.publicJwk));
  checkThere(there, material, asNext);
  const namesake = draft.find(material.kid);
  if (namesake !== undefined && namesake.kid !== there?.kid) {
    throw takenKid();
  }
  if (there?.state === (asNext ? "next" : "active")) return;
  const details = { alg: material.alg, as: asNext ? "next" : "active" };
  if (asNext) {
    if (material.alg !== rules.alg) {
      throw otherAlgorithm(material.alg, rules.alg);
    }
    const next = draft.next();
    if (next !== undefined) draft.remove(next.kid);
    draft.put(newSigningKey(material, "next", at, rules));
    draft.note("ImportSigningKey", material.kid, details);
    return;
  }
  activate(draft, newSigningKey(material, "active", at, rules), at, rules);
  draft.note("ImportSigningKey", material.kid, details);
  // Where it was the next one, there is none now.
  makeNext(draft, rules.alg, spare, at, rules);
}

function checkThere(there: SigningKey | undefined, { kid }: KeyMaterial, asNext: boolean): void {
  if (there === undefined) return;
  if (there.state === "revoked") throw revokedKey(there.kid);
  if (there.kid !== kid) throw keyThereAs(there.kid);
  if (asNext && there.state !== "next") throw notNext(there.state);
}
