// Sealed secrets as operators see to them: sealing anew under another master key, and letting go of those that are lost.
//

import type { Actor, AuditEntry } from "./ports.ts";
import type { LostSecrets, Resealing, SecretStore } from "./record-ports.ts";

export interface Secrets {
  /** Seals some secrets anew; to be called until done. */
  reseal(actor: Actor): Promise<Resealing>;
  /** @throws LostSecretsError when logins would fail for want of a master key */
  requireMasterKeys(): Promise<void>;
  /** Gives up every secret that does not open, so that new ones can take their place. */
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
