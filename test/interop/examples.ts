// The clients of examples/clients: buf and plain protoc generate the same stubs, and clients with libraries in Debian run at both listeners.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CUSTOMER_KEY, type TestGateway } from "../gateway.ts";
import { fencesIn } from "../pages.ts";
import type { Outcome } from "../program.ts";
import type { Requirement } from "../requirements.ts";
import { type Row, requiring, runProgram, succeed } from "./rows.ts";

const PROTOC = "protobuf-compiler protobuf-compiler-grpc libprotobuf-dev";
/** Debian has stubs of these for Python and Ruby, not for C++. */
const GOOGLE = ["google/api/annotations", "google/api/http", "google/rpc/status", "google/rpc/error_details"];

interface Example extends Requirement {
  /** Builds in the folder that holds `gen`. @returns the command before its arguments; undefined if only the stubs are generated */
  readonly build?: (folder: string) => Promise<readonly string[]>;
}

/** Debian's packages of the crates that Cargo.toml names. */
const RUST = ["hex", "hmac", "jsonwebtoken", "prost", "reqwest", "serde", "sha2", "tokio", "tonic", "tonic-build"]
  .map((crate) => `librust-${crate}-dev`)
  .join(" ");
const JWX = "/usr/share/gocode/src/github.com/lestrrat-go/jwx";
const GO = ["google-genproto", "google-grpc", "github-lestrrat-go-jwx"].map((name) => `golang-${name}-dev`);
const SOURCES = resolve("examples/clients");

const EXAMPLES: readonly Example[] = [
  {
    name: "go",
    packages: `${PROTOC} golang-go ${GO.join(" ")} protoc-gen-go protoc-gen-go-grpc`,
    probe: ["go version", "protoc-gen-go --version", "protoc-gen-go-grpc --version", `test -d ${JWX}`].join(" && "),
    async build(folder) {
      // Debian installs Go libraries as a GOPATH.
      const module = join(folder, "src/example.com/device");
      mkdirSync(module, { recursive: true });
      await succeed(["cp", "-r", join(folder, "gen"), join(SOURCES, "go/main.go"), module]);
      // With a go.mod, import paths may end in /v2.
      writeFileSync(join(module, "go.mod"), "module example.com/device\n");
      const env = [`GOPATH=${folder}:/usr/share/gocode`, "GO111MODULE=off", `GOCACHE=${join(folder, "cache")}`];
      const program = join(folder, "client");
      await succeed(["env", ...env, "go", "build", "-o", program, "example.com/device"]);
      return [program];
    },
  },
  {
    name: "python",
    packages: `${PROTOC} python3-grpcio python3-googleapis-common-protos python3-jwt python3-cryptography`,
    probe: "/usr/bin/python3 -c 'import grpc, google.rpc.error_details_pb2, jwt, cryptography'",
    // Debian's `google` is a regular package, which no folder can extend, so the stubs have none.
    build: async (folder) => [
      "env",
      `PYTHONPATH=${join(folder, "gen")}`,
      "/usr/bin/python3",
      "-B",
      join(SOURCES, "python/main.py"),
    ],
  },
  {
    name: "cpp",
    packages: `${PROTOC} g++ pkg-config libgrpc++-dev libssl-dev`,
    probe: "g++ --version && pkg-config --exists grpc++ protobuf libcrypto",
    async build(folder) {
      const services = ["countersign/auth/v1/auth", "countersign/token/v1/token"];
      const stubs = [...services, ...GOOGLE].map((file) => `${file}.pb.cc`);
      const sources = [...stubs, ...services.map((file) => `${file}.grpc.pb.cc`)].map((file) =>
        join(folder, "gen", file),
      );
      const flags = await succeed(["pkg-config", "--cflags", "--libs", "grpc++", "protobuf", "libcrypto"]);
      const program = join(folder, "client");
      const compile = ["g++", "-std=c++17", "-I", join(folder, "gen"), "-o", program, join(SOURCES, "cpp/main.cc")];
      await succeed([...compile, ...sources, ...flags.trim().split(/\s+/)]);
      return [program];
    },
  },
  {
    name: "ruby",
    packages: `${PROTOC} ruby ruby-grpc ruby-google-protobuf ruby-googleapis-common-protos-types ruby-jwt`,
    probe: `/usr/bin/ruby -e 'require "grpc"; require "google/rpc/error_details_pb"; require "jwt"'`,
    build: async (folder) => ["/usr/bin/ruby", "-I", join(folder, "gen"), join(SOURCES, "ruby/main.rb")],
  },
  {
    name: "rust",
    packages: `cargo ${RUST}`,
    probe: `/usr/bin/cargo --version && dpkg -s ${RUST}`,
    async build(folder) {
      await succeed(["cp", "-r", `${join(SOURCES, "rust")}/.`, resolve("proto"), folder]);
      // Debian installs crates as a folder.
      const registry = [
        "source.crates-io.replace-with='debian'",
        "source.debian.directory='/usr/share/cargo/registry'",
      ];
      const config = registry.flatMap((line) => ["--config", line]);
      const cargo = ["env", "-C", folder, `HOME=${folder}`, "PATH=/usr/bin:/bin", "cargo", "build", "--offline", "-q"];
      await succeed([...cargo, ...config], BUILD_MS);
      return [join(folder, "target/debug/device")];
    },
  },
  { name: "php", packages: PROTOC, probe: "test -x /usr/bin/grpc_php_plugin" },
  { name: "csharp", packages: PROTOC, probe: "protoc --version" },
  ...["java", "kotlin"].map((name) => ({
    name,
    packages: `${PROTOC} protobuf-compiler-grpc-java-plugin`,
    probe: "test -x /usr/bin/grpc_java_plugin",
  })),
];

/** Timeout of a build: Rust compiles some 200 crates. */
const BUILD_MS = 900_000;
const LONGEST_MS = BUILD_MS + 60_000;

export function exampleRows(gateway: TestGateway, folder: string): readonly Row[] {
  const common = {
    name: "googleapis-common-protos",
    packages: `${PROTOC} python3-googleapis-common-protos`,
    probe: "protoc --version && /usr/bin/python3 -c 'import google.rpc.error_details_pb2'",
  };
  return [
    ...EXAMPLES.map((example) =>
      requiring(example, {
        name: `example ${example.name}${example.build === undefined ? ", generated" : ""}`,
        longestMs: LONGEST_MS,
        run: () => checkExample(example, gateway, join(folder, `example-${example.name}`)),
      }),
    ),
    requiring(common, { name: "example google/* as in googleapis-common-protos", run: () => compareGoogle(folder) }),
  ];
}

async function checkExample(example: Example, gateway: TestGateway, folder: string): Promise<readonly string[]> {
  const { name, build } = example;
  mkdirSync(folder);
  // Cargo's build generates the stubs itself.
  const mistakes = name === "rust" ? [] : await compareStubs(name, folder);
  if (build === undefined) return mistakes;
  const command = await build(folder);
  for (const url of [gateway.publicUrl, gateway.internalUrl]) {
    const deviceKey = await gateway.enrol();
    const verifier = name === "cpp" ? [new URL(gateway.internalUrl).host] : [];
    const args = [...command, new URL(url).host, deviceKey, ...verifier];
    mistakes.push(...(await checkLogins(deviceKey, (key) => runProgram(args, 30_000, `${key}\n`))));
  }
  return mistakes;
}

async function checkLogins(deviceKey: string, logIn: (key: string) => Promise<Outcome>): Promise<readonly string[]> {
  const mistakes: string[] = [];
  const right = await logIn(CUSTOMER_KEY);
  if (right.stdout !== `${deviceKey}\n`) mistakes.push(`a login prints ${right.stdout} ${right.stderr.slice(-400)}`);
  const wrong = await logIn("another key");
  if (wrong.status === 0 || wrong.stdout !== "invalid_credentials\n") {
    mistakes.push(`a wrong key prints ${wrong.stdout} ${wrong.stderr.slice(-400)}`);
  }
  for (let count = 0; count < 10; count++) await logIn("another key");
  const limited = await logIn("another key");
  if (!/^rate_limited\nretry in (?:\d+ s|\d+s|1m0s)\n$/.test(limited.stdout))
    mistakes.push(`a limit prints ${limited.stdout}`);
  return mistakes;
}

/** Runs buf's template and the page's command for protoc. @returns files that are missing or too many */
async function compareStubs(name: string, folder: string): Promise<string[]> {
  const buf = [process.execPath, "node_modules/@bufbuild/buf/bin/buf", "generate"];
  await succeed([...buf, "--template", `examples/clients/${name}/buf.gen.yaml`, "-o", folder]);
  const byBuf = await listFiles(join(folder, "gen"));
  const plain = join(folder, "plain");
  mkdirSync(plain);
  await succeed(["sh", "-c", protocCommandOf(name).replaceAll("_out=gen", `_out=${plain}`)]);
  const byProtoc = await listFiles(plain);
  // buf's template adds com.example to the package of Java and Kotlin and writes a file for each class; protoc has no options for that.
  const areAlike = name !== "java" && name !== "kotlin";
  const missing = byProtoc.filter((file) => areAlike && !byBuf.some((other) => other.endsWith(file)));
  const google = name === "cpp" ? [] : byBuf.filter((file) => /google/i.test(file));
  const mistakes = [...missing, ...google];
  const areThere = [byBuf, byProtoc].every((files) => files.some((file) => /auth/i.test(file)));
  return areThere ? mistakes : [...mistakes, "nothing is generated"];
}

/** The command of the language's page, or the one of docs/clients/README.md. */
function protocCommandOf(name: string): string {
  const isProtoc = (code: string): boolean => code.startsWith("protoc ");
  const [own] = fencesIn(readFileSync(`docs/clients/${name}.md`, "utf8"), "sh").filter(isProtoc);
  const [shared = ""] = fencesIn(readFileSync("docs/clients/README.md", "utf8"), "sh").filter(isProtoc);
  return own ?? shared.replaceAll("python", name);
}

async function listFiles(folder: string): Promise<readonly string[]> {
  const listed = await succeed(["find", folder, "-type", "f", "-printf", "%P\\n"]);
  return listed.split("\n").filter((file) => file !== "");
}

/** Compares options, messages and fields with those of Python's package. */
async function compareGoogle(folder: string): Promise<readonly string[]> {
  const set = join(folder, "google.binpb");
  await succeed(["protoc", "-I", "proto", `--descriptor_set_out=${set}`, ...GOOGLE.map((file) => `${file}.proto`)]);
  return (await succeed(["/usr/bin/python3", join(import.meta.dirname, "descriptors.py"), set]))
    .split("\n")
    .filter((line) => line !== "");
}
