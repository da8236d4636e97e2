// Clients in Python, C++ and Ruby, on stubs that protoc generates from proto/.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Requirement } from "../requirements.ts";
import { LONGEST_MS, type Row, requiring, succeed } from "./rows.ts";
import { loginRows, type Subject } from "./subject.ts";

export const PROTOC = "protobuf-compiler protobuf-compiler-grpc libprotobuf-dev";
const AUTH = "countersign/auth/v1/auth";
/** Debian has stubs of these for Python and Ruby, not for C++. */
export const GOOGLE = ["google/api/annotations", "google/api/http", "google/rpc/status", "google/rpc/error_details"];

interface Language extends Requirement {
  /** The files to generate stubs of. */
  readonly files: readonly string[];
  /** Builds in the folder of the stubs. @returns the command, which takes the target as its last argument */
  readonly build: (folder: string) => Promise<readonly string[]>;
}

const LANGUAGES: readonly Language[] = [
  {
    name: "python",
    packages: `${PROTOC} python3-grpcio python3-googleapis-common-protos`,
    probe: "/usr/bin/python3 -c 'import grpc, google.rpc.status_pb2'",
    files: [AUTH],
    build: async (folder) => runPython(folder, join(import.meta.dirname, "login.py")),
  },
  {
    name: "cpp",
    packages: `${PROTOC} g++ pkg-config libgrpc++-dev`,
    probe: "g++ --version && pkg-config --exists grpc++ protobuf",
    files: [AUTH, ...GOOGLE],
    build: (folder) => compileCpp(folder, join(import.meta.dirname, "login.cc"), [AUTH], ["grpc++", "protobuf"]),
  },
  {
    name: "ruby",
    packages: `${PROTOC} ruby ruby-grpc ruby-google-protobuf ruby-googleapis-common-protos-types`,
    probe: '/usr/bin/ruby -e \'require "grpc"; require "google/rpc/status_pb"\'',
    files: [AUTH],
    build: async (folder) => ["/usr/bin/ruby", "-I", folder, join(import.meta.dirname, "login.rb")],
  },
];

/** The command of a Python program on stubs. Debian's `google` is a regular package, which no folder can extend, so the stubs have none. */
export function runPython(stubs: string, program: string): readonly string[] {
  return ["env", `PYTHONPATH=${stubs}`, "/usr/bin/python3", "-B", program];
}

/** Compiles a C++ program with the stubs of services and those of google/*. @returns the command */
export async function compileCpp(
  stubs: string,
  main: string,
  services: readonly string[],
  libraries: readonly string[],
): Promise<readonly string[]> {
  const messages = [...services, ...GOOGLE].map((file) => `${file}.pb.cc`);
  const sources = [...messages, ...services.map((file) => `${file}.grpc.pb.cc`)].map((file) => join(stubs, file));
  const flags = await succeed(["pkg-config", "--cflags", "--libs", ...libraries]);
  const program = join(stubs, "client");
  await succeed(["g++", "-std=c++17", "-I", stubs, "-o", program, main, ...sources, ...flags.trim().split(/\s+/)]);
  return [program];
}

/** The rows of each language. The first row builds its client. */
export function languageRows(subject: Subject, folder: string): readonly Row[] {
  return LANGUAGES.flatMap((language) => {
    const { name, files, build } = language;
    const plugin = `/usr/bin/grpc_${name}_plugin`;
    const protoc = `protoc --version && test -x ${plugin} -a -d /usr/include/google/protobuf`;
    const own = join(folder, name);
    const generate = async (): Promise<readonly string[]> => {
      mkdirSync(own);
      const outputs = [`--${name}_out=${own}`, `--grpc_out=${own}`, `--plugin=protoc-gen-grpc=${plugin}`];
      await succeed(["protoc", "-I", "proto", ...outputs, ...files.map((file) => `${file}.proto`)]);
      return build(own);
    };
    let built: Promise<readonly string[]> | undefined;
    const rows = loginRows(name, subject, true, async (url, login) => {
      built ??= generate();
      const command = [...(await built), new URL(url).host];
      return JSON.parse(await succeed(command, LONGEST_MS, JSON.stringify(login)));
    });
    return rows.map((row) => requiring({ ...language, probe: `${protoc} && ${language.probe}` }, row));
  });
}
