// Clients in Python, C++ and Ruby, on stubs that protoc generates from proto/.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Requirement, runs } from "../requirements.ts";

const PROTOC = ["protobuf-compiler", "protobuf-compiler-grpc", "libprotobuf-dev"];
const AUTH = "countersign/auth/v1/auth";
/** Debian has these for Python and Ruby; for C++ nobody has. */
const GOOGLE = ["google/api/annotations", "google/api/http", "google/rpc/status", "google/rpc/error_details"];
const BUILD_MS = 180_000;
const LONGEST_COMPLAINT = 600;

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

/** Runs a program to its end. @returns what it printed @throws Error with what it complained of */
export async function succeed(command: readonly string[], timeoutMs = BUILD_MS, input = ""): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command, timeoutMs, input);
  if (status === 0) return stdout;
  throw new Error(
    `exit status ${status ?? "none (killed)"}: ${(stderr || stdout).replaceAll(/\s+/g, " ").slice(-LONGEST_COMPLAINT)}`,
  );
}

export interface Outcome {
  /** Null: killed when its time was over. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. It inherits PATH alone: no proxy, no secret. */
export async function runProgram(
  [command = "", ...args]: readonly string[],
  timeoutMs: number,
  input = "",
): Promise<Outcome> {
  const env = { PATH: process.env["PATH"] };
  const child = spawn(command, args, { env, timeout: timeoutMs, killSignal: "SIGKILL" });
  // A program that ends without reading says why itself.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status: typeof status === "number" ? status : null, stdout, stderr };
}
