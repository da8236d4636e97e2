// Which tokens were taken back one by one, at hand in memory. Knows what is told of changes, and no query.

import type { TokenRevocations } from "../core/ports.ts";
import type { RevokedTokenStore } from "../core/registry/ports.ts";
import type { Subject } from "./changes.ts";

export interface RevocationsOptions {
  readonly revokedTokens: Pick<RevokedTokenStore, "list">;
  /** Whether all that was changed anywhere until a second ago has been told to `onChange`; else the store is asked. */
  readonly isSure: () => boolean;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface RememberedRevocations extends TokenRevocations {
  onChange(subjects: readonly Subject[]): void;
  onUnsure(): void;
}

/** The names of what was taken back, which are few. Asked for once, and again after changes that cannot be told apart. */
export function createRevocations({ revokedTokens, isSure, now }: RevocationsOptions): RememberedRevocations {
  let known: Promise<Set<string>> | undefined;

  /** One query for all who ask while it is under way; a failure is not kept. */
  function load(): Promise<Set<string>> {
    const loading = revokedTokens.list(now()).then((tokens) => new Set(tokens.map(({ jti }) => jti)));
    known = loading;
    loading.catch(() => {
      if (known === loading) known = undefined;
    });
    return loading;
  }

  function forget(): void {
    known = undefined;
    settled = undefined;
  }

  /** What is known, once it is: the check of a token need not wait for a promise. */
  let settled: Set<string> | undefined;

  return {
    isRevoked(jti) {
      if (!isSure()) forget();
      else if (settled !== undefined) return settled.has(jti);
      const loading = known ?? load();
      return loading.then((jtis) => {
        if (known === loading) settled = jtis;
        return jtis.has(jti);
      });
    },
    onChange(subjects) {
      for (const subject of subjects) {
        const [kind, jti = ""] = subject.split(" ");
        if (kind === "all") forget();
        if (kind !== "token") continue;
        // While it is asked for, the answer may be of before.
        if (settled === undefined) forget();
        else settled.add(jti);
      }
    },
    onUnsure: forget,
  };
}
