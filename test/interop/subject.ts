// The gateway under test, with devices enrolled through its own AdminService; a relay counts the connections to it.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService, KeyPurpose } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type LoginBody, signLogin } from "../../src/cli/sign.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, openGateway } from "../gateway.ts";

export interface Address {
  readonly publicUrl: string;
  readonly internalUrl: string;
  readonly adminToken: string;
}

export interface Subject extends Address {
  /** Enrols a device and signs a login of it. Wrong signatures count by device: each row takes its own. */
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
      return signLogin({ deviceKey, customerKey: CUSTOMER_KEY }, Math.floor(Date.now() / 1000));
    },
    close,
  };
}

export interface Relay {
  readonly url: string;
  readonly connections: () => number;
  readonly close: () => void;
}

/** So late is each byte, in either direction: no answer comes before a deadline of 1 ms, or a cancellation. */
const DELAY_MS = 10;

/** Relays TCP from a free port to a listener in the clear. */
export async function openRelay(target: string): Promise<Relay> {
  const { hostname, port } = new URL(target);
  const sockets: Socket[] = [];
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections += 1;
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    sockets.push(socket, upstream);
    forward(socket, upstream);
    forward(upstream, socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    connections: () => connections,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function forward(from: Socket, to: Socket): void {
  from.on("data", (chunk) => setTimeout(() => to.write(chunk), DELAY_MS));
  from.on("end", () => setTimeout(() => to.end(), DELAY_MS));
  from.on("error", () => to.destroy());
}
