// Python's grpcio on one connection: logins, an error, a cancellation and a deadline. The clients of C++ and Ruby have the same core.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { signNow, type TestGateway } from "../gateway.ts";
import { startRelay } from "../redis/relay.ts";
import { PROTOC, runPython } from "./examples.ts";
import { LONGEST_MS, type Row, requiring, succeed } from "./rows.ts";

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

/** Delay of each answer: none arrives before a deadline of 1 ms or a cancellation. */
const DELAY_MS = 20;

/** A row for each listener. The first generates the stubs. */
export function grpcioRows(gateway: TestGateway, folder: string): readonly Row[] {
  const stubs = join(folder, "grpcio");
  const generate = async (): Promise<unknown> => {
    mkdirSync(stubs);
    const outputs = [`--python_out=${stubs}`, `--grpc_out=${stubs}`];
    const plugin = "--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin";
    return succeed(["protoc", "-I", "proto", ...outputs, plugin, "countersign/auth/v1/auth.proto"]);
  };
  let generated: Promise<unknown> | undefined;
  const listeners = { public: gateway.publicUrl, internal: gateway.internalUrl };
  return Object.entries(listeners).map(([port, url]) =>
    requiring(REQUIREMENT, {
      name: `grpcio, ${port}`,
      async run() {
        generated ??= generate();
        await generated;
        const relay = await startRelay(Number(new URL(url).port));
        relay.delay(DELAY_MS);
        try {
          const command = [...runPython(stubs, join(import.meta.dirname, "grpcio.py")), `127.0.0.1:${relay.port}`];
          const printed = await succeed(command, LONGEST_MS, JSON.stringify(signNow(await gateway.enrol())));
          const report = new Map<string, unknown>(Object.entries(JSON.parse(printed)));
          const wrong = Object.entries(EXPECTED).filter(([name, pattern]) => !pattern.test(String(report.get(name))));
          const mistakes = wrong.map(([name]) => (name === "token" ? "no token" : `${name} is ${report.get(name)}`));
          return relay.connections() === 1 ? mistakes : [...mistakes, `${relay.connections()} connections`];
        } finally {
          await relay.stop();
        }
      },
    }),
  );
}
