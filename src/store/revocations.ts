// Which tokens were taken back one by one, at hand in memory. Knows what is told of changes, and no query.

import type { TokenRevocations } from "../core/ports.ts";
import type { RevokedTokenStore } from "../core/registry/record-ports.ts";
import { createShared } from "../core/shared-call.ts";
import type { Subject } from "./changes.ts";

export interface RevocationsOptions {
  readonly revokedTokens: Pick<RevokedTokenStore, "list" | "has">;
  /** Whether all that was changed anywhere until a second ago has been told to `onChange`; else the store is asked. */
  readonly isSure: () => boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface RememberedRevocations extends TokenRevocations {
  onChange(subjects: readonly Subject[]): void;
  onUnsure(): void;
}

/** So many names are known without a thought. */
const FEW = 1_000;

/** The names of what was taken back, which are few. Asked for once, and again after changes that cannot be told apart. */
export function createRevocations({ revokedTokens, isSure, now }: RevocationsOptions): RememberedRevocations {
  /** What is known, while it is: the check of a token need not wait for a promise. */
  let known: Set<string> | undefined;
  /** When more are known, they are asked for again: most have expired meanwhile. */
  let most = FEW;
  /** Being asked for, since the last change. */
  let loading: Promise<Set<string>> | undefined;
  const loadAnew = createShared(async () => new Set((await revokedTokens.list(now())).map(({ jti }) => jti)));

  /** One query for all who ask while it is under way; a failure is not kept. */
  function load(): Promise<Set<string>> {
    if (loading !== undefined) return loading;
    const begun = loadAnew();
    loading = begun;
    begun.then(
      (jtis) => {
        if (loading !== begun) return;
        [known, loading] = [jtis, undefined];
        most = Math.max(FEW, 2 * jtis.size);
      },
      () => {
        if (loading === begun) loading = undefined;
      },
    );
    return begun;
  }

  function forget(): void {
    known = undefined;
    loading = undefined;
  }

  return {
    isRevoked(jti) {
      if (isSure()) return known === undefined ? load().then((jtis) => jtis.has(jti)) : known.has(jti);
      forget();
      return revokedTokens.has(jti);
    },
    onChange(subjects) {
      for (const subject of subjects) {
        const [kind, jti = ""] = subject.split(" ");
        if (kind === "all") forget();
        if (kind !== "token") continue;
        // While it is asked for, the answer may be of before.
        if (known === undefined || known.add(jti).size > most) forget();
      }
    },
    onUnsure: forget,
  };
}
