// Writes the OpenAPI documents: `buf build -o - | node scripts/openapi.ts FOLDER`. Run by `npm run gen` and `check:gen`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, type DescService, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createOpenapi } from "./openapi/document.ts";
import { addEndpoints } from "./openapi/endpoints.ts";
import { notes } from "./openapi-notes.ts";

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new TypeError("give the folder to write to");

// Generated code has no comments; what `buf build` writes has.
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(0)));

/** The services of each listener, as app.ts mounts them. */
const DOCUMENTS = {
  public: ["countersign.auth.v1.AuthService"],
  internal: [
    "countersign.auth.v1.AuthService",
    "countersign.token.v1.TokenService",
    "countersign.admin.v1.AdminService",
  ],
};

function serviceOf(typeName: string): DescService {
  const service = registry.getService(typeName);
  if (service === undefined) throw new TypeError(`there is no ${typeName} in what came on standard input`);
  return service;
}

mkdirSync(folder, { recursive: true });
for (const [name, typeNames] of Object.entries(DOCUMENTS)) {
  const document = addEndpoints(createOpenapi(typeNames.map(serviceOf), notes), name);
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(document, null, 2)}\n`);
}
