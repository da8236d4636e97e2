// `node scripts/reference.ts FOLDER`: writes the pages of docs/reference/ from the code's own tables.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderErrors } from "./reference/errors.ts";

const [, , folder = "docs/reference"] = process.argv;
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "errors.md"), renderErrors());
