// `npm run bench:registry [-- --only import|scale] [--devices N]`: what a registry of a million devices costs, and its targets.

import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { renderSection, type Section } from "./limiter-report.ts";
import { measureImport, type RegistryOptions } from "./registry-import.ts";
import { measureScale } from "./registry-scale.ts";

const PARTS = {
  import: measureImport,
  scale: measureScale,
} satisfies Record<string, (options: RegistryOptions) => Promise<Section>>;

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    devices: { type: "string", default: "1000000" },
  },
});
const devices = Number(values.devices);
if (!Number.isInteger(devices) || devices < 1) throw new Error("--devices is a whole number above zero");
if (!values.only.every((name) => name in PARTS)) throw new Error(`--only is one of ${Object.keys(PARTS).join(", ")}`);

const cpu = cpus()[0]?.model.trim() ?? "unknown";
process.stdout.write(`Node ${process.version}, ${cpu}, ${availableParallelism()} cores.\n`);
for (const [name, measure] of Object.entries(PARTS)) {
  if (values.only.length > 0 && !values.only.includes(name)) continue;
  const section = await measure({ devices });
  process.stdout.write(`\n${renderSection(section)}\n`);
  if (section.targets.some(({ met }) => !met)) process.exitCode = 1;
}
