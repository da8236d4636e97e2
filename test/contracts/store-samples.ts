// Rows and openings that the suites of a store's contract share.

import type {
  Credential,
  CredentialStore,
  CustomerKey,
  Device,
  RegistryStore,
  SigningKeyStore,
} from "../../src/core/ports.ts";

type AnyStore = CredentialStore & RegistryStore & SigningKeyStore;

export interface OpenedStore {
  readonly store: AnyStore;
  /** The same store, as another process opens it. */
  reopen(): Promise<AnyStore>;
  /** After this it cannot be asked. */
  close(): Promise<void>;
}

export const NOW = 1_764_000_000_000;
export const customer = { customerId: "customer-1", displayName: "One", status: "enabled" } as const;
export const device: Device = {
  deviceKey: "device-1",
  customerId: customer.customerId,
  displayName: "",
  status: "enabled",
  keyMode: "shared",
  sharedIdentity: false,
  replayGuard: false,
};

export function keyOf(keyId: string, draft: Partial<CustomerKey> = {}): CustomerKey {
  const secret = Buffer.from(`secret of ${keyId}`);
  return { keyId, customerId: customer.customerId, purpose: "login", secret, createdAt: NOW, ...draft };
}

/** The keys of a credential, as text. */
export function secretsOf(credential: Credential | undefined): string[] | undefined {
  return credential?.keys.map(({ secret }) => secret.export().toString("utf8"));
}
