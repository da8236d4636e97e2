// What the admin contract shows of customers, keys, devices and changes. Knows no method.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AuditEventSchema,
  CustomerKeySchema,
  CustomerSchema,
  DeviceSchema,
  SigningKeySchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { CustomerKeyView } from "../core/registry/customer-keys.ts";
import { etagOf } from "../core/registry/pages.ts";
import type { AuditEvent, StoredCustomer, StoredDevice } from "../core/registry/ports.ts";
import type { SigningKeyView } from "../core/tokens/signing-keys.ts";
import { keyModes, keyPurposes, keyStates, signingKeyStates, statuses, writeTime } from "./admin-values.ts";

/** A customer, with the etag of its version. */
export function customerMessage(customer: StoredCustomer): MessageInitShape<typeof CustomerSchema> {
  const { customerId, displayName, status, loginLimit, tokensNotBefore, createdAt, updatedAt } = customer;
  return {
    customerId,
    displayName,
    status: statuses.write(status),
    loginLimit,
    createTime: writeTime(createdAt),
    updateTime: writeTime(updatedAt),
    etag: etagOf(customer),
    tokensNotBefore: tokensNotBefore === 0 ? undefined : writeTime(tokensNotBefore),
  };
}

/** A customer key: all but its secret. */
export function customerKeyMessage(key: CustomerKeyView): MessageInitShape<typeof CustomerKeySchema> {
  const { keyId, customerId, purpose, state, notBefore, expiresAt, createdAt, retiredAt } = key;
  return {
    keyId,
    customerId,
    purpose: keyPurposes.write(purpose),
    state: keyStates.write(state),
    notBefore: writeTime(notBefore),
    expiresAt: writeTime(expiresAt),
    createTime: writeTime(createdAt),
    retireTime: writeTime(retiredAt),
  };
}

/** A device, with the etag of its version and what was last seen of it. */
export function deviceMessage(device: StoredDevice): MessageInitShape<typeof DeviceSchema> {
  const { deviceKey, customerId, displayName, sharedIdentity, replayGuard, labels, acceptsShared } = device;
  return {
    deviceKey,
    customerId,
    displayName,
    status: statuses.write(device.status),
    keyMode: keyModes.write(device.keyMode),
    sharedIdentity,
    replayGuard,
    labels,
    acceptsSharedKey: acceptsShared,
    createTime: writeTime(device.createdAt),
    updateTime: writeTime(device.updatedAt),
    etag: etagOf(device),
    tokensNotBefore: writeTime(device.tokensNotBefore === 0 ? undefined : device.tokensNotBefore),
    lastLoginTime: writeTime(device.lastLoginAt),
    lastKeyId: device.lastKeyId ?? "",
    lastFailureTime: writeTime(device.lastFailureAt),
    lastFailureReason: device.lastFailureReason ?? "",
  };
}

/** A signing key: all but its halves. */
export function signingKeyMessage(key: SigningKeyView): MessageInitShape<typeof SigningKeySchema> {
  const { kid, alg, state, createdAt, activatedAt, retiredAt, rotationTime } = key;
  return {
    kid,
    alg,
    state: signingKeyStates.write(state),
    createTime: writeTime(createdAt),
    activateTime: writeTime(activatedAt),
    retireTime: writeTime(retiredAt),
    rotateTime: writeTime(rotationTime),
  };
}

/** A change, and who made it. */
export function auditEventMessage(event: AuditEvent): MessageInitShape<typeof AuditEventSchema> {
  const { eventId, at, actor, action, resource, customerId, details } = event;
  const { tokenId, operator, address, requestId } = actor;
  return {
    eventId,
    time: writeTime(at),
    tokenId,
    operator,
    address,
    action,
    resource,
    customerId,
    details: { ...details },
    requestId,
  };
}
