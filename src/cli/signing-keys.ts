// `countersign signing-keys`: the keys that tokens are signed with.

import { isUtf8 } from "node:buffer";
import { timestampDate, timestampMs } from "@bufbuild/protobuf/wkt";
import type { Command } from "commander";
import {
  RevokeSigningKeyResponseSchema,
  RotateSigningKeyResponseSchema,
  type SigningKey,
  SigningKeySchema,
  SigningKeyState,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { PUBLISH_MS } from "../core/tokens/rotation.ts";
import { systemNow } from "../telemetry/clock.ts";
import { adminCommand, callAdmin } from "./gateway/admin-client.ts";
import { writeResource } from "./terminal/fields.ts";
import { inputName, readInput } from "./terminal/files.ts";
import { addListCommand } from "./terminal/listing.ts";
import { addConfirmOption, type ConfirmOptions, confirm, usageFailure, warn } from "./terminal/output.ts";

/** Adds `signing-keys`. */
export function addSigningKeysCommand(program: Command): void {
  const keys = adminCommand(program, "signing-keys").description("manage the keys that tokens are signed with");
  addListCommand(keys, {
    description: "list signing keys, the newest first",
    desc: SigningKeySchema,
    columns: ["kid", "alg", "state", "create_time", "activate_time", "retire_time", "rotate_time"],
    read: async (admin) => ({ ...(await admin.listSigningKeys({})), nextPageToken: "" }),
    itemsOf: ({ signingKeys }) => signingKeys,
  });
  addRotate(keys);
  addRevoke(keys);
  addImport(keys);
}

function addRotate(keys: Command): void {
  keys
    .command("rotate")
    .description("make the next key sign; fails until it has been published for 20 minutes")
    .option("--now", "make it sign at once, although services may not have fetched it yet")
    .action(async ({ now = false }: { now?: boolean }, command: Command) => {
      const answer = await callAdmin((admin) => admin.rotateSigningKey({ now }));
      const { active, next } = answer;
      warnWhenNew(active);
      const lines = [`key ${active?.kid} signs`, `key ${next?.kid} is next`];
      writeResource(command, RotateSigningKeyResponseSchema, answer, lines);
    });
}

function addRevoke(keys: Command): void {
  addConfirmOption(keys.command("revoke <kid>"))
    .description("revoke a stolen key: its tokens are refused from now on, and the next key signs")
    // A kid may begin with a hyphen.
    .allowUnknownOption()
    .action(async (kid: string, options: ConfirmOptions, command: Command) => {
      await confirm(`Revoke signing key ${kid} and every token that it signed?`, options);
      const answer = await callAdmin((admin) => admin.revokeSigningKey({ kid }));
      warnWhenNew(answer.active);
      writeResource(command, RevokeSigningKeyResponseSchema, answer, [
        `key ${kid} is revoked: services that verify tokens themselves accept its tokens until they fetch the keys again`,
        `key ${answer.active?.kid} signs`,
      ]);
    });
}

function addImport(keys: Command): void {
  keys
    .command("import <file>")
    .description("import the private key of another server, PEM or JWK, to sign from now on; - for standard input")
    .option("--kid <kid>", "its kid in tokens (default: its thumbprint, RFC 7638)")
    .option("--next", "publish it as the next key, instead of signing with it at once")
    .action(async (file: string, { kid = "", next = false }: { kid?: string; next?: boolean }, command: Command) => {
      const privateKey = await readKeyFile(file);
      const key = await callAdmin((admin) => admin.importSigningKey({ privateKey, kid, asNext: next }));
      const isActive = key.state === SigningKeyState.ACTIVE;
      if (isActive) warnWhenNew(key);
      writeResource(command, SigningKeySchema, key, [
        `key ${key.kid} (${key.alg}) ${isActive ? "signs" : "is published, and signs after the next rotation"}`,
      ]);
    });
}

async function readKeyFile(file: string): Promise<string> {
  const bytes = await readInput(file);
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw usageFailure(`${inputName(file)} is not text. Convert DER to PEM with: openssl pkey -inform DER -in FILE`);
}

/** Warns about a signing key that some services cannot have fetched yet. */
function warnWhenNew(key: SigningKey | undefined): void {
  if (key?.createTime === undefined || systemNow() >= timestampMs(key.createTime) + PUBLISH_MS) return;
  warn(
    `key ${key.kid} was published at ${timestampDate(key.createTime).toISOString()}. Services that have not fetched the keys since then refuse its tokens until they do`,
  );
}
