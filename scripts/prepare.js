// Builds the dashboard where it is older than its sources, or always with --always. Plain JavaScript: npm ci without
// devDependencies runs it on an old Node, and has nothing to build with.
import { readdirSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function isBuilt() {
  const timeOf = (file) => statSync(`${root}${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const built = timeOf("dist/dashboard/index.html");
  const folders = ["src/dashboard", "src/cli/device-file", "gen/es"];
  const sources = folders.flatMap((folder) =>
    readdirSync(`${root}${folder}`, { recursive: true }).map((file) => `${folder}/${file}`),
  );
  return [...sources, "docs/devices.md"].every((file) => timeOf(file) <= built);
}

const vite = await import("vite").catch(() => undefined);
if (vite === undefined) process.stderr.write("The dashboard is not built: devDependencies are left out.\n");
else if (process.argv.includes("--always") || !isBuilt())
  await vite.build({
    configFile: false,
    root: `${root}src/dashboard`,
    base: "./",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    // The policy allows no data: URLs and no inline script.
    build: {
      outDir: `${root}dist/dashboard`,
      emptyOutDir: true,
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    logLevel: "warn",
  });
