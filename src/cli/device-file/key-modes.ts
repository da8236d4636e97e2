// The key modes of devices, by the names that commands and files have for them.

import { KeyMode } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";

export const KEY_MODES = { shared: KeyMode.SHARED, derived: KeyMode.DERIVED } as const;
export type KeyModeName = keyof typeof KEY_MODES;

/** The name of a mode. */
export function keyModeName(mode: KeyMode): KeyModeName {
  return mode === KeyMode.DERIVED ? "derived" : "shared";
}
