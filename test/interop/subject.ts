// The gateway under test, with devices enrolled through its own AdminService.

import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService, KeyPurpose } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { LoginBody } from "../../src/cli/sign.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, openGateway, signNow } from "../gateway.ts";

export interface Address {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly adminToken: string;
}

export interface Subject extends Address {
  /** Enrols a device and signs a login of it. Wrong signatures count by device: each row enrols its own. */
  readonly enrol: () => Promise<LoginBody>;
  readonly close: () => Promise<void>;
}

/** @param address a gateway that runs already; undefined starts one */
export async function openSubject(address: Address | undefined): Promise<Subject> {
  if (address !== undefined) return prepare(address, async () => undefined);
  const gateway = await openGateway();
  return prepare({ ...gateway, adminToken: ADMIN_TOKEN }, () => gateway.close());
}

async function prepare(address: Address, close: Subject["close"]): Promise<Subject> {
  const { publicUrl, internalUrl, adminToken } = address;
  const headers = { Authorization: `Bearer ${adminToken}` };
  const admin = createClient(
    AdminService,
    createConnectTransport({ baseUrl: internalUrl, httpVersion: "1.1", defaultTimeoutMs: 10_000 }),
  );
  const customer = { displayName: "Interop", loginLimit: "1000/60s" };
  const { customerId } = await admin.createCustomer({ customer }, { headers });
  const key = { customerId, purpose: KeyPurpose.LOGIN, importedKey: CUSTOMER_KEY };
  await admin.issueCustomerKey(key, { headers });
  return {
    publicUrl,
    internalUrl,
    adminToken,
    async enrol() {
      const { deviceKey } = await admin.createDevice({ customerId, device: {} }, { headers });
      return signNow(deviceKey);
    },
    close,
  };
}
