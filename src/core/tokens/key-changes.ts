// Decides the changes of operators to signing keys. Pure: the time is handed in.

import type { TokenAlg } from "./algorithms.ts";
import { isSameKey, type KeyMaterial } from "./key-material.ts";
import type { SigningKey } from "./ports.ts";
import { keyThereAs, noSigningKey, notNext, otherAlgorithm, revokedKey, takenKid } from "./refusals.ts";
import {
  activate,
  algOf,
  type Decision,
  heardFrom,
  isPublished,
  makeNext,
  newSigningKey,
  publishedFrom,
  removeNext,
  rotate,
} from "./rotation.ts";

/** The kids that the caller of a rotation has seen; undefined where there was none. */
export interface Seen {
  readonly active: string | undefined;
  readonly next: string | undefined;
}

/**
 * Has the next key sign, if it was published for long enough; else notes that it shall. `atOnce`: if it was published at all when that
 * was asked for.
 */
export function rotateOrPlan(decision: Decision, atOnce: boolean, seen: Seen): void {
  const { draft, at, rules } = decision;
  // Concurrent rotations: one wins, and the others get that one. A second rotation is wanted by nobody.
  if (draft.active()?.kid !== seen.active) return;
  makeNext(decision, rules.alg);
  const active = draft.active();
  const next = draft.next();
  if (next === undefined) return;
  const isHeardOf = next.kid === seen.next && heardFrom(next) <= at;
  if (active === undefined || (atOnce && isHeardOf) || publishedFrom(next, rules) <= at) {
    rotate(decision, next);
  } else if (active.rotateAt === undefined || active.rotateAt > at) {
    draft.put({ ...active, rotateAt: at });
    const due = new Date(publishedFrom(next, rules)).toISOString();
    draft.note("PlanSigningKeyRotation", next.kid, { in_place_of: active.kid, due });
  }
}

/** Trusts a key no more; another takes its place at once. @throws AuthError `does_not_exist` */
export function revoke(decision: Decision, kid: string): void {
  const { draft, at, rules } = decision;
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
  if (key.state === "active") replaceActive(decision, alg);
  // An operator who revokes a key that has signed nothing may want another algorithm.
  else if (key.state === "next") makeNext(decision, rules.alg);
}

function replaceActive(decision: Decision, alg: TokenAlg): void {
  const { draft, make, at, rules } = decision;
  const next = draft.next();
  if (next === undefined) {
    // Nothing that is published could sign: verifiers look for the new key at the first token that names it.
    const material = make(alg);
    draft.put(newSigningKey(material, "active", at, rules));
    draft.note("CreateSigningKey", material.kid, { alg });
    makeNext(decision, alg);
  } else {
    rotate(decision, next);
  }
}

/**
 * Takes a key over, to sign now or next. One that is there in that state already stays as it is, and one
 * that is published goes on being so: services have had as long to fetch it.
 * @throws AuthError `failed_precondition` for one that was revoked, or that cannot be what it is to be; `already_exists` for a kid
 * that another key has, or a key that has another kid
 */
export function takeOver(decision: Decision, material: KeyMaterial, asNext: boolean): void {
  const { draft, stored, at, rules } = decision;
  const there = stored.keys.find(({ publicJwk }) => isSameKey(publicJwk, material.publicJwk));
  checkThere(there, material, asNext);
  const namesake = draft.find(material.kid);
  if (namesake !== undefined && namesake.kid !== there?.kid) throw takenKid();
  if (there?.state === (asNext ? "next" : "active")) return;
  const details = { alg: material.alg, as: asNext ? "next" : "active" };
  if (asNext) {
    if (material.alg !== rules.alg) throw otherAlgorithm(material.alg, rules.alg);
    const next = draft.next();
    if (next !== undefined) removeNext(decision, next, "import");
    draft.put({ ...newSigningKey(material, "next", at, rules), importedAt: at });
    draft.note("ImportSigningKey", material.kid, details);
    return;
  }
  const createdAt = there !== undefined && isPublished(there, at) ? there.createdAt : at;
  activate(decision, { ...newSigningKey(material, "active", at, rules), createdAt, importedAt: at });
  draft.note("ImportSigningKey", material.kid, details);
  // Where it was the next one, there is none now.
  makeNext(decision, rules.alg);
}

function checkThere(there: SigningKey | undefined, { kid }: KeyMaterial, asNext: boolean): void {
  if (there === undefined) return;
  if (there.state === "revoked") throw revokedKey(there.kid);
  if (there.kid !== kid) throw keyThereAs(there.kid);
  if (asNext && there.state !== "next") throw notNext(there.state);
}
