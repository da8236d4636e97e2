// The signing keys as a gateway lists them: which signs, and which is next. Knows no command.

import type { Client } from "@connectrpc/connect";
import { type AdminService, type SigningKey, SigningKeyState } from "../../gen/es/countersign/admin/v1/admin_pb.ts";

export interface ListedKeys {
  readonly keys: readonly SigningKey[];
  readonly active: SigningKey | undefined;
  readonly next: SigningKey | undefined;
}

export async function listKeys(admin: Client<typeof AdminService>): Promise<ListedKeys> {
  const { signingKeys: keys } = await admin.listSigningKeys({ pageSize: 1_000 });
  const inState = (state: SigningKeyState) => keys.find((key) => key.state === state);
  return { keys, active: inState(SigningKeyState.ACTIVE), next: inState(SigningKeyState.NEXT) };
}
