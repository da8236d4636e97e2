// Sealed secrets: sealing again under another master key, and forgetting those that do not open.

import type { Actor, AuditEntry } from "./ports.ts";

export interface Resealing {
  readonly resealed: number;
  /** Secrets that are not retired and open with no master key of this gateway. */
  readonly unopened: number;
  /** Every secret that opens is sealed with the first master key. */
  readonly done: boolean;
}

/** Counts of secrets that are in use and open with no master key. */
export interface LostSecrets {
  readonly customerKeys: number;
  readonly signingKeys: number;
}

/** Sealed secrets at rest. As CustomerStore. */
export interface SecretStore {
  /**
   * Seals some again with the first master key, each only while it is unchanged, so that gateways may do so at once. A call that
   * seals none is done. No entry when nothing changes.
   */
  resealSome(describe: (resealed: number) => AuditEntry): Promise<Resealing>;
  /**
   * Counts the lost secrets at `now`: signing keys that do not open, customer keys whose master key is missing. Rejects where
   * only a newer gateway can open a signing key.
   */
  findLost(now: number): Promise<LostSecrets>;
  /**
   * Retires customer keys and signing keys that do not open; deletes a signing key that never signed. Rejects, and changes
   * nothing, where a newer gateway could open one.
   */
  forgetLost(now: number, describe: (lost: LostSecrets) => AuditEntry): Promise<LostSecrets>;
}

export type Secrets = ReturnType<typeof createSecrets>;

/** Secrets that are in use and do not open. */
export class LostSecretsError extends Error {
  override readonly name = "LostSecretsError";
  constructor({ customerKeys, signingKeys }: LostSecrets) {
    const keys = customerKeys === 1 ? "1 customer key" : `${customerKeys} customer keys`;
    const parts = [...(signingKeys > 0 ? ["the signing key"] : []), ...(customerKeys > 0 ? [keys] : [])];
    super(`${parts.join(" and ")} cannot be opened with the master keys of this gateway`);
  }
}

const SECRETS = { resource: "secrets", customerId: "" };

/** `now` in unix milliseconds. */
export function createSecrets(secrets: SecretStore, now: () => number) {
  return {
    /** Seals some secrets again; to be called until done. */
    reseal(actor: Actor): Promise<Resealing> {
      const entry = { actor, action: "ResealSecrets", ...SECRETS };
      return secrets.resealSome((resealed) => ({ ...entry, at: now(), details: { resealed } }));
    },

    /** @throws LostSecretsError when logins would fail for lack of a master key */
    async requireMasterKeys(): Promise<void> {
      const lost = await secrets.findLost(now());
      if (lost.customerKeys > 0 || lost.signingKeys > 0) throw new LostSecretsError(lost);
    },

    /** Retires every secret that does not open, so that new ones can take its place. */
    async forgetLost(actor: Actor): Promise<LostSecrets> {
      const at = now();
      const entry = { actor, at, action: "ForgetLostSecrets", ...SECRETS };
      return secrets.forgetLost(at, ({ customerKeys: customer_keys, signingKeys: signing_keys }) => ({
        ...entry,
        details: { customer_keys, signing_keys },
      }));
    },
  };
}
