// What a ring needs to be whole: one key that signs, one that is to sign next, and none that is over. Pure, as rotation.ts.

import type { KeptKeys, SigningKeyChange } from "./ports.ts";
import {
  activate,
  type Decision,
  draftChange,
  dropLostNext,
  makeNext,
  newSigningKey,
  type RingRules,
  removeNext,
  rotate,
  rotationTime,
  type Spare,
} from "./rotation.ts";

/** When it is decided. */
export interface Moment {
  /** Unix milliseconds. */
  readonly at: number;
  /** By a gateway that starts: by its settings, and its master keys, the next key is judged. */
  readonly starting: boolean;
}

/**
 * What is due now, done again only when something is: so every gateway may ask at any time. @throws what `spare` throws, and Error
 * where a key of the ring is for a newer gateway alone
 */
export function keepUp(
  kept: KeptKeys,
  spare: Spare,
  { at, starting }: Moment,
  rules: RingRules,
): SigningKeyChange | undefined {
  const draft = draftChange(kept, at);
  const decision: Decision = { draft, kept, spare, at, rules };
  endRetired(decision);
  if (starting) judgeNext(decision);

  // A key that signs: at the first start, or after the one that did was given up.
  if (draft.active() === undefined) {
    dropLostNext(decision);
    const next = draft.next();
    if (next === undefined) {
      const material = spare(rules.alg);
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
    if (starting && active !== undefined && active.alg !== rules.alg) draft.put({ ...active, rotateAt: at });
  }

  const active = draft.active();
  if (active !== undefined && active.tokenLifeMs < rules.tokenLifeMs) {
    draft.put({ ...active, tokenLifeMs: rules.tokenLifeMs });
  }
  rotateIfDue(decision);
  return draft.change();
}

/** A gateway whose clock is ahead takes no key away from the others: each goes by its own for what it publishes. */
const FORGOTTEN_AFTER_MS = 86_400_000;

/** The retired keys that no token needs any more are gone. */
function endRetired({ draft, kept, at, rules }: Decision): void {
  for (const key of kept.keys) {
    if (key.state !== "retired") continue;
    if (key.publishedUntil === undefined) {
      // Given up by whoever knew nothing of its tokens.
      const retiredAt = key.retiredAt ?? at;
      draft.put({ ...key, retiredAt, publishedUntil: retiredAt + Math.max(key.tokenLifeMs, rules.tokenLifeMs) });
    } else if (key.publishedUntil + FORGOTTEN_AFTER_MS <= at) {
      draft.remove(key.kid);
    }
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
  else dropLostNext(decision);
}

function rotateIfDue(decision: Decision): void {
  const { draft, kept, at, rules } = decision;
  const next = draft.next();
  const active = draft.active();
  if (next === undefined || active === undefined) return;
  const time = rotationTime([active, next], rules);
  // What does not open here opens elsewhere, and is for another gateway to have signed with.
  if (time === undefined || at < time || kept.isLost(next.kid)) return;
  rotate(decision, next);
}
