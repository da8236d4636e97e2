// AdminService: proto messages to the registry and back. Knows no transport, and not who may call.

import { createServiceImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import {
  AdminService,
  KeyMode as KeyModeEnum,
  KeyPurpose as KeyPurposeEnum,
  Status as StatusEnum,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { KeyMode, KeyPurpose, Status } from "../core/ports.ts";
import type { Registry } from "../core/registry.ts";

/** The operator's calls. Whoever mounts it sees to it that only operators make them. */
export function createAdminService({ registry }: { readonly registry: Registry }): ServiceImplSpec {
  return createServiceImplSpec<typeof AdminService>(AdminService, {
    async createCustomer({ customer }) {
      const created = await registry.createCustomer({
        displayName: customer?.displayName ?? "",
        status: readStatus(customer?.status),
      });
      return { ...created, status: STATUS[created.status] };
    },

    async issueCustomerKey({ customerId, purpose, importedKey }) {
      return registry.issueCustomerKey({
        customerId: requireId(customerId),
        purpose: readPurpose(purpose),
        importedKey,
      });
    },

    async createDevice({ customerId, device }) {
      const created = await registry.createDevice({
        customerId: requireId(customerId),
        deviceKey: device?.deviceKey ?? "",
        displayName: device?.displayName ?? "",
        status: readStatus(device?.status),
        keyMode: readKeyMode(device?.keyMode),
        sharedIdentity: device?.sharedIdentity ?? false,
        replayGuard: device?.replayGuard,
      });
      return { ...created, status: STATUS[created.status], keyMode: KEY_MODE[created.keyMode] };
    },
  });
}

const STATUS = { enabled: StatusEnum.ENABLED, disabled: StatusEnum.DISABLED } satisfies Record<Status, StatusEnum>;
const KEY_MODE = { shared: KeyModeEnum.SHARED, derived: KeyModeEnum.DERIVED } satisfies Record<KeyMode, KeyModeEnum>;

function requireId(customerId: string): string {
  if (customerId === "") throw malformed("customer_id is missing", "customer_id");
  return customerId;
}

function readStatus(status: StatusEnum = StatusEnum.UNSPECIFIED): Status {
  switch (status) {
    case StatusEnum.UNSPECIFIED:
    case StatusEnum.ENABLED:
      return "enabled";
    case StatusEnum.DISABLED:
      return "disabled";
    default:
      throw malformed("status has a value that is not in the contract", "status");
  }
}

function readPurpose(purpose: KeyPurposeEnum): KeyPurpose {
  switch (purpose) {
    case KeyPurposeEnum.UNSPECIFIED:
    case KeyPurposeEnum.LOGIN:
      return "login";
    case KeyPurposeEnum.DERIVATION:
      return "derivation";
    default:
      throw malformed("purpose has a value that is not in the contract", "purpose");
  }
}

function readKeyMode(keyMode: KeyModeEnum = KeyModeEnum.UNSPECIFIED): KeyMode {
  switch (keyMode) {
    case KeyModeEnum.UNSPECIFIED:
    case KeyModeEnum.SHARED:
      return "shared";
    case KeyModeEnum.DERIVED:
      return "derived";
    default:
      throw malformed("key_mode has a value that is not in the contract", "key_mode");
  }
}
