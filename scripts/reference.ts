// `node scripts/reference.ts FOLDER`: writes the pages of docs/reference/ from the code's own tables.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderCommands } from "./reference/commands.ts";
import { renderErrors } from "./reference/errors.ts";
import { renderMetrics } from "./reference/metrics.ts";
import { renderSettings } from "./reference/settings.ts";

const [, , folder = "docs/reference"] = process.argv;
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "commands.md"), await renderCommands());
writeFileSync(join(folder, "errors.md"), renderErrors());
writeFileSync(join(folder, "metrics.md"), await renderMetrics());
writeFileSync(join(folder, "settings.md"), renderSettings());
