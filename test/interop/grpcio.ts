// Python's grpcio on one connection: logins, an error, a cancellation and a deadline. The clients of C++ and Ruby have the same core.

import { mkdirSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { listenOnLoopback } from "../free-port.ts";
import { PROTOC, runPython } from "./examples.ts";
import { LONGEST_MS, type Row, requiring, succeed } from "./rows.ts";
import type { Subject } from "./subject.ts";

const REQUIREMENT = {
  name: "grpcio",
  packages: `${PROTOC} python3-grpcio python3-googleapis-common-protos`,
  probe: "test -x /usr/bin/grpc_python_plugin && /usr/bin/python3 -c 'import grpc, google.rpc.status_pb2'",
};

/** The expected report of grpcio.py on its calls. Codes are gRPC's. */
const EXPECTED: Readonly<Record<string, RegExp>> = {
  token: /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/,
  remaining: /^\d+$/,
  wrong: /^16$/,
  reason: /^invalid_credentials$/,
  cancelled: /^1$/,
  late: /^4$/,
  answered: /^50$/,
};

/** A row for each listener. The first generates the stubs. */
export function grpcioRows(subject: Subject, folder: string): readonly Row[] {
  const stubs = join(folder, "grpcio");
  const generate = async (): Promise<unknown> => {
    mkdirSync(stubs);
    const outputs = [`--python_out=${stubs}`, `--grpc_out=${stubs}`];
    const plugin = "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin";
    return succeed(["protoc", "-I", "proto", ...outputs, plugin, "countersign/auth/v1/auth.proto"]);
  };
  let generated: Promise<unknown> | undefined;
  const listeners = { public: subject.publicUrl, internal: subject.internalUrl };
  return Object.entries(listeners).map(([port, url]) =>
    requiring(REQUIREMENT, {
      name: `grpcio, ${port}`,
      async run() {
        generated ??= generate();
        await generated;
        const relay = await openRelay(url);
        try {
          const command = [...runPython(stubs, join(import.meta.dirname, "grpcio.py")), new URL(relay.url).host];
          const printed = await succeed(command, LONGEST_MS, JSON.stringify(await subject.enrol()));
          const report = new Map<string, unknown>(Object.entries(JSON.parse(printed)));
          const wrong = Object.entries(EXPECTED).filter(([name, pattern]) => !pattern.test(String(report.get(name))));
          const mistakes = wrong.map(([name]) => (name === "token" ? "no token" : `${name} is ${report.get(name)}`));
          return relay.connections() === 1 ? mistakes : [...mistakes, `${relay.connections()} connections`];
        } finally {
          relay.close();
        }
      },
    }),
  );
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
