// gRPC's C core, as C++, Ruby and PHP have it too: a client in Python, on stubs that protoc generates from proto/.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LoginBody } from "../../src/cli/sign.ts";
import { installMissing, type Requirement, runs } from "../requirements.ts";
import { succeed } from "./programs.ts";

const PLUGIN = "/usr/bin/grpc_python_plugin";
const LONGEST_MS = 60_000;

const PYTHON: Requirement = {
  name: "python",
  packages: [
    "protobuf-compiler",
    "protobuf-compiler-grpc",
    "libprotobuf-dev",
    "python3-grpcio",
    "python3-googleapis-common-protos",
  ],
  present: () =>
    runs("/usr/bin/python3", "-c", "import grpc, google.rpc.status_pb2") &&
    runs("protoc", "--version") &&
    runs("test", "-x", PLUGIN, "-a", "-d", "/usr/include/google/protobuf"),
};

/** Logs in at a listener in the clear. @returns what the client printed @throws Error where it cannot run */
export async function callLoginInPython(folder: string, url: string, login: LoginBody): Promise<object> {
  if (installMissing([PYTHON]).length > 0)
    throw new Error(`not run. Type: apt-get install ${PYTHON.packages.join(" ")}`);
  const stubs = join(folder, "python");
  mkdirSync(stubs, { recursive: true });
  const outputs = [`--python_out=${stubs}`, `--grpc_out=${stubs}`, `--plugin=protoc-gen-grpc=${PLUGIN}`];
  await succeed(["protoc", "-I", "proto", ...outputs, "countersign/auth/v1/auth.proto"]);
  const client = ["env", `PYTHONPATH=${stubs}`, "/usr/bin/python3", "-B", join(import.meta.dirname, "login.py")];
  return JSON.parse(await succeed([...client, new URL(url).host], LONGEST_MS, JSON.stringify(login)));
}
