// The gateway under test, with devices enrolled through its own AdminService, and the rows of a client that logs in there.

import { connect, createServer, type Socket } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AdminService, KeyPurpose } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { LoginBody } from "../../src/cli/sign.ts";
import { listenOnLoopback } from "../free-port.ts";
import { ADMIN_TOKEN, CUSTOMER_KEY, openGateway, signNow } from "../gateway.ts";
import type { Row } from "./rows.ts";

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

/** The expected report of a client on its calls. Codes are gRPC's. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  token: /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/,
  remaining: /^\d+$/,
  wrong: /^16$/,
  reason: /^invalid_credentials$/,
  cancelled: /^1$/,
  late: /^4$/,
  answered: /^50$/,
};

/** The rows of one client that calls Login: one for each listener. Over HTTP/2 the client has to keep its connection. */
export function loginRows(
  client: string,
  subject: Subject,
  isHttp2: boolean,
  call: (url: string, login: LoginBody) => Promise<object>,
): readonly Row[] {
  const listeners = { public: subject.publicUrl, internal: subject.internalUrl };
  return Object.entries(listeners).map(([port, url]) => ({
    name: `${client}, ${port}`,
    async run() {
      const relay = await openRelay(url);
      try {
        const found = new Map<string, unknown>(Object.entries(await call(relay.url, await subject.enrol())));
        const wrong = Object.entries(EXPECTED).filter(([name, pattern]) => !pattern.test(String(found.get(name))));
        const mistakes = wrong.map(([name]) => (name === "token" ? "no token" : `${name} is ${found.get(name)}`));
        if (isHttp2 && relay.connections() !== 1) mistakes.push(`${relay.connections()} connections`);
        return mistakes;
      } finally {
        relay.close();
      }
    },
  }));
}

interface Relay {
  readonly url: string;
  readonly connections: () => number;
  readonly close: () => void;
}

/** Delay of each byte in both directions: no answer arrives before a deadline of 1 ms or a cancellation. */
const DELAY_MS = 10;

/** Relays TCP from a free port to a cleartext listener. */
async function openRelay(target: string): Promise<Relay> {
  const { hostname, port } = new URL(target);
  const sockets: Socket[] = [];
  let connections = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    connections += 1;
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true, noDelay: true });
    sockets.push(socket, upstream);
    forward(socket, upstream);
    forward(upstream, socket);
  });
  return {
    url: `http://127.0.0.1:${await listenOnLoopback(server)}`,
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
