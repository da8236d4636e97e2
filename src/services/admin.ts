// AdminService: proto messages to the registry and back, behind the admin token. Knows no transport.

import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import {
  type AdminService,
  KeyMode as KeyModeEnum,
  KeyPurpose as KeyPurposeEnum,
  Status as StatusEnum,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError, malformed } from "../core/errors.ts";
import type { KeyMode, KeyPurpose, Status } from "../core/ports.ts";
import type { Registry } from "../core/registry.ts";
import { equalSecrets } from "../core/signature.ts";

export interface AdminServiceDependencies {
  readonly registry: Registry;
  readonly adminToken: string;
}

/** The operator's calls; each is refused without the admin token before anything in it is looked at. */
export function createAdminService({
  registry,
  adminToken,
}: AdminServiceDependencies): ServiceImpl<typeof AdminService> {
  function authorize({ requestHeader }: HandlerContext): void {
    const [, token] = /^Bearer +(\S+)$/i.exec(requestHeader.get("authorization") ?? "") ?? [];
    if (token === undefined || !equalSecrets(token, adminToken)) {
      throw new AuthError("invalid_admin_token", "this call takes the admin token as Authorization Bearer");
    }
  }

  return {
    async createCustomer({ customer }, context) {
      authorize(context);
      const created = await registry.createCustomer({
        displayName: customer?.displayName ?? "",
        status: readStatus(customer?.status),
      });
      return { ...created, status: STATUS[created.status] };
    },

    async issueCustomerKey({ customerId, purpose, importedKey }, context) {
      authorize(context);
      return registry.issueCustomerKey({
        customerId: requireId(customerId),
        purpose: readPurpose(purpose),
        importedKey,
      });
    },

    async createDevice({ customerId, device }, context) {
      authorize(context);
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
  };
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
