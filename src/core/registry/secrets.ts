// Sealed secrets: resealing under another master key, and retiring lost ones.

import type { Actor, AuditEntry } from "./ports.ts";

export interface Resealing {
  readonly resealed: number;
  /** Secrets that are not retired and that no master key of this gateway opens. */
  readonly unopened: number;
  /** All secrets that can be opened are now sealed with the first master key. */
  readonly done: boolean;
}

/** Counts of secrets in use that no master key opens. */
export interface LostSecrets {
  readonly customerKeys: number;
  readonly signingKeys: number;
}

/** The store of sealed secrets. Transactions and errors as in CustomerStore. */
export interface SecretStore {
  /**
   * Reseals some secrets with the first master key, and writes only over unchanged rows: several gateways may reseal at once.
   * Without a change it writes no entry.
   */
  resealSome(describe: (resealed: number) => AuditEntry): Promise<Resealing>;
  /**
   * Counts the lost secrets at `now`: signing keys that no master key opens, customer keys whose master key is missing. Rejects for
   * a signing key that only a newer gateway can open.
   */
  findLost(now: number): Promise<LostSecrets>;
  /**
   * Retires lost customer keys and signing keys, and deletes a lost signing key that never signed. Rejects without a change if a
   * newer gateway could open one.
   */
  forgetLost(now: number, describe: (lost: LostSecrets) => AuditEntry): Promise<LostSecrets>;
}

export interface Secrets {
  /** Reseals some secrets. Call it until it is done. */
  reseal(actor: Actor): Promise<Resealing>;
  /** @throws LostSecretsError when logins would fail for lack of a master key */
  requireMasterKeys(): Promise<void>;
  /** Retires every lost secret, so that new ones can replace it. */
  forgetLost(actor: Actor): Promise<LostSecrets>;
}

/** Secrets in use that no master key opens. */
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
export function createSecrets(secrets: SecretStore, now: () => number): Secrets {
  return {
    reseal(actor) {
      const entry = { actor, action: "ResealSecrets", ...SECRETS };
      return secrets.resealSome((resealed) => ({ ...entry, at: now(), details: { resealed } }));
    },

    async requireMasterKeys() {
      const lost = await secrets.findLost(now());
      if (lost.customerKeys > 0 || lost.signingKeys > 0) throw new LostSecretsError(lost);
    },

    async forgetLost(actor) {
      const at = now();
      const entry = { actor, at, action: "ForgetLostSecrets", ...SECRETS };
      return secrets.forgetLost(at, ({ customerKeys: customer_keys, signingKeys: signing_keys }) => ({
        ...entry,
        details: { customer_keys, signing_keys },
      }));
    },
  };
}
