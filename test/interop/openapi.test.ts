// The OpenAPI documents pass linters, and each generated client logs in.

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signNow, startFileGateway } from "../gateway.ts";
import { succeed } from "./programs.ts";

/** Some 280 MB: fetched for a run, not a dependency of the project. */
const PACKAGES = [
  "@hey-api/openapi-ts@0.99.0",
  "@redocly/cli@2.77.0",
  "@stoplight/spectral-cli@6.16.3",
  "openapi-fetch@0.17.0",
  "openapi-typescript@7.13.0",
  "orval@8.38.0",
  "swagger-typescript-api@13.13.0",
  "typescript@5.9.3",
];

/** `command` generates from `openapi.json`; `client` logs `login` in at `baseUrl` and leaves the answer in `answer`. */
const GENERATORS = [
  {
    name: "openapi-typescript",
    command: ["openapi-typescript", "openapi.json", "-o", "generated.ts"],
    client: `import createClient from "openapi-fetch";
import type { paths } from "./generated.js";
const { data: answer } = await createClient<paths>({ baseUrl }).POST("/auth/login", { body: login });`,
  },
  {
    name: "@hey-api/openapi-ts",
    command: ["openapi-ts", "-i", "openapi.json", "-o", "generated", "-c", "@hey-api/client-fetch"],
    client: `import { authServiceLogin } from "./generated/index.js";
const { data: answer } = await authServiceLogin({ baseUrl, body: login });`,
  },
  {
    name: "orval",
    command: ["orval", "--config", "orval.config.mjs"],
    client: `import { authServiceLogin } from "./generated.js";
const { data: answer, status } = await authServiceLogin(login);
if (status !== 200) throw new Error(\`\${status} from \${baseUrl}\`);`,
  },
  {
    name: "swagger-typescript-api",
    command: ["swagger-typescript-api", "generate", "-p", "openapi.json", "-o", ".", "-n", "generated.ts"],
    client: `import { Api } from "./generated.js";
const { data: answer } = await new Api({ baseUrl }).auth.authServiceLogin(login);`,
  },
];

const LIBRARIES = ["es2023", "dom", "dom.iterable"];

const gateway = await startFileGateway();
const home = mkdtempSync(join(tmpdir(), "countersign-openapi-"));
afterAll(() => rmSync(home, { recursive: true }));

beforeAll(async () => {
  writeJson(join(home, "package.json"), { private: true, type: "module" });
  // @hey-api/openapi-ts looks for a tsconfig.json above its own package.
  const compilerOptions = { strict: true, target: "es2022", module: "nodenext", lib: LIBRARIES };
  writeJson(join(home, "tsconfig.json"), { compilerOptions, files: [] });
  // npm's registry may be set in the environment, which `succeed` does not pass on.
  const npm = ["install", "--prefix", home, "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"];
  await promisify(execFile)("npm", [...npm, ...PACKAGES]);
});

function writeJson(file: string, value: object): void {
  writeFileSync(file, JSON.stringify(value));
}

/** Makes a folder with a document, and a function that runs a program of the fetched packages there. */
function open(document: string) {
  const folder = mkdtempSync(join(home, `${document}-`));
  cpSync(`gen/openapi/${document}.json`, join(folder, "openapi.json"));
  const run = ([program = "", ...args]: readonly string[]) =>
    succeed(["env", "-C", folder, join(home, "node_modules/.bin", program), ...args]);
  return { folder, run };
}

describe.each(["public", "internal"])("the %s document", (document) => {
  test("has no mistake by redocly and spectral", async () => {
    const { folder, run } = open(document);
    await run(["redocly", "lint", "openapi.json"]);
    writeFileSync(join(folder, "spectral.yaml"), 'extends: ["spectral:oas"]\n');
    await run(["spectral", "lint", "--ruleset", "spectral.yaml", "openapi.json"]);
  });

  test.each(GENERATORS)("gives a client by $name that compiles and logs in", async ({ command, client }) => {
    const { folder, run } = open(document);
    const baseUrl = gateway.publicUrl;
    const output = { target: "generated.ts", client: "fetch", baseUrl };
    const orval = JSON.stringify({ gateway: { input: "openapi.json", output } });
    writeFileSync(join(folder, "orval.config.mjs"), `export default ${orval};\n`);
    const login = JSON.stringify(signNow(await gateway.enrol()));
    const program = `const baseUrl: string = ${JSON.stringify(baseUrl)};\nconst login = ${login};\n${client}`;
    writeFileSync(join(folder, "login.ts"), `${program}\nconsole.log(answer?.token);\n`);
    const tsconfig = { extends: "../tsconfig.json", files: ["login.ts"], compilerOptions: { outDir: "built" } };
    writeJson(join(folder, "tsconfig.json"), tsconfig);
    await run(command);
    await run(["tsc", "-p", "."]);
    expect(await succeed([process.execPath, join(folder, "built/login.js")])).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });
});
