// The clients of examples/clients and docs/devices.md log in.

import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { CUSTOMER_KEY, startFileGateway } from "../gateway.ts";
import { fencesIn } from "../pages.ts";
import { temporaryFolder } from "../program.ts";
import type { Requirement } from "../requirements.ts";
import { install, runProgram, succeed } from "./programs.ts";

const gateway = await startFileGateway({ LOGIN_LIMIT: "1000/60s" });

const C = "gcc -Wall -Werror -o login login.c -lmbedcrypto && ./login";
const C_PACKAGES = "gcc libc6-dev libmbedtls-dev";
test.each([
  ["curl", "sh", "login.sh", "sh login.sh", "curl perl", "curl --version && perl -v"],
  ["JavaScript", "js", "login.mjs", `${process.execPath} login.mjs`, "", "true"],
  ["Python", "python", "login.py", "/usr/bin/python3 login.py", "python3", "/usr/bin/python3 -V"],
  ["PHP", "php", "login.php", "php login.php", "php-cli", "php -v"],
  ["MicroPython", "py", "login.py", "micropython login.py", "micropython", "micropython -c 0"],
  ["C", "c", "login.c", C, C_PACKAGES, "gcc --version && test -e /usr/include/mbedtls/md.h"],
  ["Go", "go", "login.go", "GOCACHE=$PWD HOME=$PWD go run login.go", "golang-go", "go version"],
])("docs/devices.md logs in by %s", async (name, fence, file, command, packages, probe) => {
  install({ name, packages, probe });
  const [code = ""] = fencesIn(readFileSync("docs/devices.md", "utf8"), fence);
  const { hostname, port } = new URL(gateway.publicUrl);
  const filled = code
    .replaceAll("127.0.0.1", hostname)
    .replaceAll("8080", port)
    .replaceAll("pump-7", await gateway.enrol())
    .replaceAll("the-customer-key", CUSTOMER_KEY);
  const folder = temporaryFolder();
  writeFileSync(join(folder, file), filled);
  const answer = JSON.parse(await succeed(["sh", "-c", `cd ${folder} && ${command}`]));
  expect(answer).toEqual({ token: expect.stringMatching(/^eyJ/), expires_in: 600 });
});

const PROTOC = "protobuf-compiler protobuf-compiler-grpc libprotobuf-dev";
/** Debian has stubs of these for Python and Ruby, not for C++. */
const GOOGLE = ["google/api/annotations", "google/api/http", "google/rpc/status", "google/rpc/error_details"];
/** Debian's packages of the crates that Cargo.toml names. */
const RUST = ["hex", "hmac", "jsonwebtoken", "prost", "reqwest", "serde", "sha2", "tokio", "tonic", "tonic-build"]
  .map((crate) => `librust-${crate}-dev`)
  .join(" ");
const JWX = "/usr/share/gocode/src/github.com/lestrrat-go/jwx";
const GO = ["google-genproto", "google-grpc", "github-lestrrat-go-jwx"].map((name) => `golang-${name}-dev`);
const SOURCES = resolve("examples/clients");

interface Client extends Requirement {
  /** Builds in the folder that holds `gen`. @returns the command before its arguments */
  readonly build: (folder: string) => Promise<readonly string[]>;
}

const CLIENTS: readonly Client[] = [
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
    // Debian's `google` is a regular package, which no folder can extend, so the stubs omit it.
    async build(folder) {
      const path = `PYTHONPATH=${join(folder, "gen")}`;
      return ["env", path, "/usr/bin/python3", "-B", join(SOURCES, "python/main.py")];
    },
  },
  {
    name: "cpp",
    packages: `${PROTOC} g++ pkg-config libgrpc++-dev libssl-dev`,
    probe: "g++ --version && pkg-config --exists grpc++ protobuf libcrypto",
    async build(folder) {
      const gen = join(folder, "gen");
      const services = ["countersign/auth/v1/auth", "countersign/token/v1/token"];
      const stubs = [...services, ...GOOGLE].map((file) => `${file}.pb.cc`);
      const sources = [...stubs, ...services.map((file) => `${file}.grpc.pb.cc`)].map((file) => join(gen, file));
      const flags = await succeed(["pkg-config", "--cflags", "--libs", "grpc++", "protobuf", "libcrypto"]);
      const program = join(folder, "client");
      const compile = ["g++", "-std=c++17", "-I", gen, "-o", program, join(SOURCES, "cpp/main.cc")];
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
      const sources = ["crates-io.replace-with='debian'", "debian.directory='/usr/share/cargo/registry'"];
      const config = sources.flatMap((source) => ["--config", `source.${source}`]);
      const cargo = ["env", "-C", folder, `HOME=${folder}`, "PATH=/usr/bin:/bin", "cargo", "build", "--offline", "-q"];
      await succeed([...cargo, ...config]);
      return [join(folder, "target/debug/device")];
    },
  },
];

test.each(CLIENTS)("examples/clients/$name logs in at both listeners", async ({ build, ...requirement }) => {
  install(requirement);
  const { name } = requirement;
  const folder = temporaryFolder();
  // Cargo's build generates the stubs itself.
  if (name !== "rust") await expectSameStubs(name, folder);
  const command = await build(folder);
  const internal = new URL(gateway.internalUrl).host;
  for (const host of [new URL(gateway.publicUrl).host, internal]) {
    const deviceKey = await gateway.enrol();
    const args = [...command, host, deviceKey, ...(name === "cpp" ? [internal] : [])];
    const logIn = (customerKey: string) => runProgram(args, `${customerKey}\n`);
    expect(await logIn(CUSTOMER_KEY)).toMatchObject({ stdout: `${deviceKey}\n` });
    const wrong = await logIn("another key");
    expect(wrong).toMatchObject({ stdout: "invalid_credentials\n" });
    expect(wrong.status).not.toBe(0);
    for (let count = 0; count < 10; count++) await logIn("another key");
    expect((await logIn("another key")).stdout).toMatch(/^rate_limited\nretry in (?:\d+ s|\d+s|1m0s)\n$/);
  }
});

const JAVA = { packages: `${PROTOC} protobuf-compiler-grpc-java-plugin`, probe: "test -x /usr/bin/grpc_java_plugin" };
test.each([
  { name: "php", packages: PROTOC, probe: "test -x /usr/bin/grpc_php_plugin" },
  { name: "csharp", packages: PROTOC, probe: "protoc --version" },
  { name: "java", ...JAVA },
  { name: "kotlin", ...JAVA },
])("the stubs of examples/clients/$name are generated", async (requirement) => {
  install(requirement);
  await expectSameStubs(requirement.name, temporaryFolder());
});

/** Expects the same files from buf's template and from the page's command for protoc, and none of google/*. */
async function expectSameStubs(name: string, folder: string): Promise<void> {
  const buf = [process.execPath, "node_modules/@bufbuild/buf/bin/buf", "generate"];
  await succeed([...buf, "--template", `examples/clients/${name}/buf.gen.yaml`, "-o", folder]);
  const plain = join(folder, "plain");
  mkdirSync(plain);
  // A page without a command uses that of README.md, which is for Python.
  const pages = [name, "README"].map((page) => readFileSync(`docs/clients/${page}.md`, "utf8"));
  const [protoc = ""] = pages.flatMap((page) => fencesIn(page, "sh")).filter((code) => code.startsWith("protoc "));
  await succeed(["sh", "-c", protoc.replaceAll("python", name).replaceAll("_out=gen", `_out=${plain}`)]);
  const [byBuf = [], byProtoc = []] = [join(folder, "gen"), plain].map((cwd) => globSync("**/*.*", { cwd }));
  for (const files of [byBuf, byProtoc]) expect(files.filter((file) => /auth/i.test(file))).not.toEqual([]);
  // buf's template adds com.example to the package of Java and Kotlin and writes a file for each class; protoc has no options for that.
  const areAlike = name !== "java" && name !== "kotlin";
  if (areAlike) expect(byProtoc.filter((file) => !byBuf.some((other) => other.endsWith(file)))).toEqual([]);
  if (name !== "cpp") expect(byBuf.filter((file) => /google/i.test(file))).toEqual([]);
}

test("google/* has the options, messages and fields of Python's googleapis-common-protos", async () => {
  const probe = "protoc --version && /usr/bin/python3 -c 'import google.rpc.error_details_pb2'";
  install({ name: "google", packages: `${PROTOC} python3-googleapis-common-protos`, probe });
  const set = join(temporaryFolder(), "google.binpb");
  await succeed(["protoc", "-I", "proto", `--descriptor_set_out=${set}`, ...GOOGLE.map((file) => `${file}.proto`)]);
  expect(await succeed(["/usr/bin/python3", join(import.meta.dirname, "descriptors.py"), set])).toBe("");
});
