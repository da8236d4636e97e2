// Clients in Python, C++ and Ruby, on stubs that protoc generates from proto/.

import { join } from "node:path";
import { type Requirement, runs } from "../requirements.ts";
import { succeed } from "./programs.ts";

const PROTOC = ["protobuf-compiler", "protobuf-compiler-grpc", "libprotobuf-dev"];
const AUTH = "countersign/auth/v1/auth";
/** Debian has stubs of these for Python and Ruby, not for C++. */
const GOOGLE = ["google/api/annotations", "google/api/http", "google/rpc/status", "google/rpc/error_details"];

export interface Language extends Requirement {
  /** Generates and builds in an empty folder. @returns the command, which takes the target as its last argument */
  readonly build: (folder: string) => Promise<readonly string[]>;
}

export const LANGUAGES: readonly Language[] = [
  {
    name: "python",
    packages: [...PROTOC, "python3-grpcio", "python3-googleapis-common-protos"],
    present: () => runs("/usr/bin/python3", "-c", "import grpc, google.rpc.status_pb2") && hasProtoc("python"),
    async build(folder) {
      await generate("python", folder, [AUTH]);
      return ["env", `PYTHONPATH=${folder}`, "/usr/bin/python3", "-B", join(import.meta.dirname, "login.py")];
    },
  },
  {
    name: "cpp",
    packages: [...PROTOC, "g++", "pkg-config", "libgrpc++-dev"],
    present: () => runs("g++", "--version") && runs("pkg-config", "--exists", "grpc++", "protobuf") && hasProtoc("cpp"),
    async build(folder) {
      await generate("cpp", folder, [AUTH, ...GOOGLE]);
      const sources = [...[AUTH, ...GOOGLE].map((file) => `${file}.pb.cc`), `${AUTH}.grpc.pb.cc`].map((name) =>
        join(folder, name),
      );
      const flags = await succeed(["pkg-config", "--cflags", "--libs", "grpc++", "protobuf"]);
      const program = join(folder, "login");
      const compile = [
        "g++",
        "-std=c++17",
        "-I",
        folder,
        "-o",
        program,
        join(import.meta.dirname, "login.cc"),
        ...sources,
      ];
      await succeed([...compile, ...flags.trim().split(/\s+/)]);
      return [program];
    },
  },
  {
    name: "ruby",
    packages: [...PROTOC, "ruby", "ruby-grpc", "ruby-google-protobuf", "ruby-googleapis-common-protos-types"],
    present: () => runs("/usr/bin/ruby", "-e", 'require "grpc"; require "google/rpc/status_pb"') && hasProtoc("ruby"),
    async build(folder) {
      await generate("ruby", folder, [AUTH]);
      return ["/usr/bin/ruby", "-I", folder, join(import.meta.dirname, "login.rb")];
    },
  },
];

function pluginOf(language: string): string {
  return `/usr/bin/grpc_${language}_plugin`;
}

function hasProtoc(language: string): boolean {
  return (
    runs("protoc", "--version") && runs("test", "-x", pluginOf(language), "-a", "-d", "/usr/include/google/protobuf")
  );
}

async function generate(language: string, folder: string, files: readonly string[]): Promise<void> {
  const outputs = [`--${language}_out=${folder}`, `--grpc_out=${folder}`];
  const plugin = `--plugin=protoc-gen-grpc=${pluginOf(language)}`;
  await succeed(["protoc", "-I", "proto", plugin, ...outputs, ...files.map((file) => `${file}.proto`)]);
}
