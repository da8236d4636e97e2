// What the admin contract shows of customers, keys, devices and changes. Knows no method.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AuditEventSchema,
  CustomerKeySchema,
  CustomerSchema,
  DeviceSchema,
  SigningKeySchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { SigningKeySummary } from "../core/ports.ts";
import type { CustomerKeyView } from "../core/registry/customer-keys.ts";
import { etagOf } from "../core/registry/pages.ts";
import type { AuditEvent, StoredCustomer, StoredDevice } from "../core/registry/ports.ts";
import { KEY_MODE, KEY_PURPOSE, KEY_STATE, STATUS, writeTime } from "./admin-values.ts";

export function customerMessage(customer: StoredCustomer): MessageInitShape<typeof CustomerSchema> {
  const { customerId, displayName, status, loginLimit, createdAt, updatedAt } = customer;
  return {
    customerId,
    displayName,
    status: STATUS[status],
    loginLimit,
    createTime: writeTime(createdAt),
    updateTime: writeTime(updatedAt),
    etag: etagOf(customer),
  };
}

export function customerKeyMessage(key: CustomerKeyView): MessageInitShape<typeof CustomerKeySchema> {
  const { keyId, customerId, purpose, state, notBefore, expiresAt, createdAt, retiredAt } = key;
  return {
    keyId,
    customerId,
    purpose: KEY_PURPOSE[purpose],
    state: KEY_STATE[state],
    notBefore: writeTime(notBefore),
    expiresAt: writeTime(expiresAt),
    createTime: writeTime(createdAt),
    retireTime: writeTime(retiredAt),
  };
}

export function deviceMessage(device: StoredDevice): MessageInitShape<typeof DeviceSchema> {
  const { deviceKey, customerId, displayName, sharedIdentity, replayGuard, labels, acceptsShared } = device;
  return {
    deviceKey,
    customerId,
    displayName,
    status: STATUS[device.status],
    keyMode: KEY_MODE[device.keyMode],
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

export function signingKeyMessage(key: SigningKeySummary): MessageInitShape<typeof SigningKeySchema> {
  const { kid, alg, state, createdAt } = key;
  return { kid, alg, state, createTime: writeTime(createdAt) };
}

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
