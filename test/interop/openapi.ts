// Linters and client generators for the OpenAPI documents; each generated client compiles and logs in.

import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { signNow, type TestGateway } from "../gateway.ts";
import { type Row, succeed } from "./rows.ts";

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
const INSTALL_MS = 400_000;
const LONGEST_MS = 120_000;
const DOCUMENTS = ["public", "internal"] as const;

interface Generator {
  readonly name: string;
  /** The command that generates from `openapi.json`; its program is in node_modules/.bin. */
  readonly command: readonly [string, ...string[]];
  /** The module that logs `login` in at `baseUrl` and leaves the answer in `answer`. */
  readonly client: string;
}

const GENERATORS: readonly Generator[] = [
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

const COMPILER_OPTIONS = {
  strict: true,
  target: "es2022",
  module: "nodenext",
  lib: ["es2023", "dom", "dom.iterable"],
};

const LINTERS: readonly (readonly [string, ...string[]])[] = [
  ["redocly", "lint", "openapi.json"],
  ["spectral", "lint", "--ruleset", "spectral.yaml", "openapi.json"],
];

/** A row for each linter and generator of each document. */
export function openapiRows(gateway: TestGateway, folder: string): readonly Row[] {
  const home = join(folder, "openapi");
  let installed: Promise<unknown> | undefined;
  const install = (): Promise<unknown> => {
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), JSON.stringify({ private: true, type: "module" }));
    // @hey-api/openapi-ts looks for a tsconfig.json above its own package.
    writeFileSync(join(home, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: [] }));
    // npm's registry may be set in the environment, which runProgram does not pass on.
    const npm = ["install", "--prefix", home, "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact"];
    installed ??= promisify(execFile)("npm", [...npm, ...PACKAGES], { timeout: INSTALL_MS });
    return installed;
  };
  const row = (name: string, document: string, run: (own: string) => Promise<readonly string[]>): Row => ({
    name: `openapi ${name}, ${document}`,
    longestMs: INSTALL_MS + LONGEST_MS,
    async run() {
      await install();
      const own = join(home, document, name);
      mkdirSync(own, { recursive: true });
      await succeed(["cp", `gen/openapi/${document}.json`, join(own, "openapi.json")]);
      return run(own);
    },
  });
  return DOCUMENTS.flatMap((document) => [
    ...LINTERS.map((command) =>
      row(command[0], document, async (own) => {
        writeFileSync(join(own, "spectral.yaml"), 'extends: ["spectral:oas"]\n');
        await runTool(home, own, command);
        return [];
      }),
    ),
    ...GENERATORS.map((generator) => row(generator.name, document, (own) => logIn(generator, home, own, gateway))),
  ]);
}

/** Runs a program of the fetched packages in a folder. */
function runTool(home: string, own: string, [program, ...args]: readonly [string, ...string[]]): Promise<string> {
  return succeed(["env", "-C", own, join(home, "node_modules/.bin", program), ...args], LONGEST_MS);
}

async function logIn(
  generator: Generator,
  home: string,
  own: string,
  gateway: TestGateway,
): Promise<readonly string[]> {
  const { name, command, client } = generator;
  const baseUrl = gateway.publicUrl;
  const orval = { gateway: { input: "openapi.json", output: { target: "generated.ts", client: "fetch", baseUrl } } };
  writeFileSync(join(own, "orval.config.mjs"), `export default ${JSON.stringify(orval)};\n`);
  writeFileSync(join(own, "login.ts"), programOf(client, baseUrl, JSON.stringify(signNow(await gateway.enrol()))));
  const tsconfig = { extends: join(home, "tsconfig.json"), files: ["login.ts"], compilerOptions: { outDir: "built" } };
  writeFileSync(join(own, "tsconfig.json"), JSON.stringify(tsconfig));
  await runTool(home, own, command);
  await runTool(home, own, ["tsc", "-p", "."]);
  const printed = await succeed([process.execPath, resolve(own, "built/login.js")], LONGEST_MS);
  return /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/.test(printed) ? [] : [`${name} printed ${printed}`];
}

const programOf = (client: string, baseUrl: string, login: string): string => `
const baseUrl: string = ${JSON.stringify(baseUrl)};
const login = ${login};
${client}
console.log(answer?.token);
`;
