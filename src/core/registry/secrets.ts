// Sealed secrets as operators see to them: sealing anew under another master key, and letting go of those that are lost.
// Knows no cipher and no database.

import type { Actor, AuditEntry } from "./ports.ts";

export interface Resealing {
  readonly resealed: number;
  /** Of those that were looked at and not retired, such as open with no master key of this gateway. */
  readonly unopened: number;
  /** All that can be is sealed with the first master key. */
  readonly done: boolean;
}

/** How many of those that are needed open with no master key. */
export interface LostSecrets {
  readonly customerKeys: number;
  readonly signingKeys: number;
}

/**
 * Secrets at rest, under one of several master keys each. Every change and its audit entry are one transaction; throws AuthError
 * `unavailable` when the database cannot be asked.
 */
export interface SecretStore {
  /**
   * Seals some anew with the first master key: each only while it is what was read, so that others may do the same at once.
   * Each call either seals some or is done, by having looked at all; no entry when nothing changes.
   */
  resealSome(describe: (resealed: number) => AuditEntry): Promise<Resealing>;
  /**
   * Counts what is needed at `now` and lost: signing keys that do not open, customer keys under a master key that is not
   * there. Rejects where only a newer gateway can open a signing key.
   */
  findLost(now: number): Promise<LostSecrets>;
  /**
   * Retires customer keys that do not open, and signing keys, of which those that never signed are deleted. Rejects, and changes
   * nothing, where a newer gateway could open one.
   */
  forgetLost(now: number, describe: (lost: LostSecrets) => AuditEntry): Promise<LostSecrets>;
}

export interface Secrets {
  /** Seals some secrets anew; to be called until done. */
  reseal(actor: Actor): Promise<Resealing>;
  /** @throws LostSecretsError when logins would fail for want of a master key */
  requireMasterKeys(): Promise<void>;
  /** Lets go of every secret that does not open, so that new ones can take their place. */
  forgetLost(actor: Actor): Promise<LostSecrets>;
}

/** Secrets that are needed and do not open. */
export class LostSecretsError extends Error {
  override readonly name = "LostSecretsError";
  constructor({ customerKeys, signingKeys }: LostSecrets) {
    const parts = [...(signingKeys > 0 ? ["the signing key"] : []), ...(customerKeys > 0 ? [keys(customerKeys)] : [])];
    super(`${parts.join(" and ")} cannot be opened with the master keys of this gateway`);
  }
}

function keys(count: number): string {
  return count === 1 ? "1 customer key" : `${count} customer keys`;
}

export interface SecretsDependencies {
  readonly secrets: SecretStore;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Builds the use-cases over their port. */
export function createSecrets({ secrets, now }: SecretsDependencies): Secrets {
  const describe = (actor: Actor, at: number, action: string, details: AuditEntry["details"]): AuditEntry => ({
    actor,
    at,
    action,
    resource: "secrets",
    customerId: "",
    details,
  });

  return {
    reseal: (actor) => secrets.resealSome((resealed) => describe(actor, now(), "ResealSecrets", { resealed })),
    async requireMasterKeys() {
      const lost = await secrets.findLost(now());
      if (lost.customerKeys > 0 || lost.signingKeys > 0) throw new LostSecretsError(lost);
    },
    async forgetLost(actor) {
      const at = now();
      return secrets.forgetLost(at, ({ customerKeys, signingKeys }) =>
        describe(actor, at, "ForgetLostSecrets", { customer_keys: customerKeys, signing_keys: signingKeys }),
      );
    },
  };
}
