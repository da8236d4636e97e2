// `npm run bench:registry [-- --only import|scale] [--devices N]`: what a registry of a million devices costs, and its targets.

import { parseArgs } from "node:util";
import { runParts } from "./figures.ts";
import { measureImport } from "./registry-import.ts";
import { measureScale } from "./registry-scale.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [] },
    devices: { type: "string", default: "1000000" },
  },
});
const devices = Number(values.devices);
if (!Number.isInteger(devices) || devices < 1) throw new Error("--devices is a whole number above zero");
await runParts({ import: () => measureImport({ devices }), scale: () => measureScale({ devices }) }, values.only);
