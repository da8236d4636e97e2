// Keeps a ring whole: one active key, one next key, and none that has ended. Pure, as rotation.ts.

import type { MakeKey } from "./new-keys.ts";
import type { SigningKeyChange, StoredKeys } from "./ports.ts";
import {
  activate,
  type Decision,
  draftChange,
  makeNext,
  newSigningKey,
  type RingRules,
  removeNext,
  rotate,
  rotationTime,
} from "./rotation.ts";

/** When it is decided. */
export interface Moment {
  /** Unix milliseconds. */
  readonly at: number;
  /** By a gateway that starts: by its settings, and its master keys, the next key is judged. */
  readonly isStarting: boolean;
}

/**
 * The changes that are due now; none when nothing is, so that every gateway may ask at any time. @throws what `make` throws, and Error
 * where a key of the ring is for a newer gateway alone
 */
export function keepUp(
  stored: StoredKeys,
  make: MakeKey,
  { at, isStarting }: Moment,
  rules: RingRules,
): SigningKeyChange | undefined {
  const draft = draftChange(stored, at);
  const decision: Decision = { draft, stored, make, at, rules };
  endRetired(decision);
  if (isStarting) judgeNext(decision);

  // A key that signs: at the first start, or after the one that did was given up.
  if (draft.active() === undefined) {
    const next = draft.next();
    if (next === undefined) {
      const material = make(rules.alg);
      draft.put(newSigningKey(material, "active", at, rules));
      draft.note("CreateSigningKey", material.kid, { alg: rules.alg });
    } else {
      activate(decision, next);
      draft.note("RotateSigningKey", next.kid, {});
    }
  }

  // One that is to sign next. Whoever changed TOKEN_ALG wants tokens of it, as soon as every verifier has the key.
  if (draft.next() === undefined) {
    makeNext(decision, rules.alg);
    const active = draft.active();
    if (isStarting && active !== undefined && active.alg !== rules.alg) draft.put({ ...active, rotateAt: at });
  }

  const active = draft.active();
  if (active !== undefined && active.tokenLifeMs < rules.tokenLifeMs) {
    draft.put({ ...active, tokenLifeMs: rules.tokenLifeMs });
  }
  rotateIfDue(decision);
  return draft.change();
}

/** Other gateways may have a clock behind this one: a key stays a day longer, in milliseconds. */
const FORGOTTEN_AFTER_MS = 86_400_000;

/** Dates retired keys that a lost master key ended, and removes those that no token needs. */
function endRetired({ draft, stored, at, rules }: Decision): void {
  for (const key of stored.keys) {
    if (key.state !== "retired") continue;
    const retiredAt = key.retiredAt ?? at;
    const until = key.publishedUntil ?? retiredAt + Math.max(key.tokenLifeMs, rules.tokenLifeMs);
    if (until + FORGOTTEN_AFTER_MS <= at) draft.remove(key.kid);
    else if (key.publishedUntil === undefined) draft.put({ ...key, retiredAt, publishedUntil: until });
  }
}

/**
 * One of another algorithm, or that does not open, has signed nothing yet: another takes its place. But for one of another algorithm
 * that somebody wants: it was imported, and may be pinned already, or is what a rotation is planned to.
 */
function judgeNext(decision: Decision): void {
  const { draft, rules } = decision;
  const next = draft.next();
  if (next === undefined) return;
  const isWanted = next.importedAt !== undefined || draft.active()?.rotateAt !== undefined;
  if (next.alg !== rules.alg && !isWanted) removeNext(decision, next, "other_algorithm");
}

function rotateIfDue(decision: Decision): void {
  const { draft, at, rules } = decision;
  const next = draft.next();
  const active = draft.active();
  if (next === undefined || active === undefined) return;
  const time = rotationTime([active, next], rules);
  if (time === undefined || at < time) return;
  rotate(decision, next);
}
