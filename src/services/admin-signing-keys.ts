// AdminService's calls on signing keys, of which there are so few that all of them are at hand. Knows no store.

import type { ServiceImpl } from "@connectrpc/connect";
import type { AdminService } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { listPage } from "../core/registry/pages.ts";
import type { AdminDependencies } from "./admin-dependencies.ts";
import { signingKeyMessage } from "./admin-messages.ts";
import { writeTime } from "./admin-values.ts";

type SigningKeyCalls = Pick<
  ServiceImpl<typeof AdminService>,
  "listSigningKeys" | "rotateSigningKey" | "revokeSigningKey" | "importSigningKey"
>;

const LIST = { name: "signing-keys", fields: {} };

/** Builds them on the use-cases. Each throws what those throw. */
export function createSigningKeyCalls({
  signingKeys,
  actorOf,
}: Pick<AdminDependencies, "signingKeys" | "actorOf">): SigningKeyCalls {
  return {
    async listSigningKeys({ pageSize, pageToken }) {
      const keys = await signingKeys.list();
      const page = await listPage(LIST, { pageSize, pageToken, filter: "" }, async ({ after, size }) => {
        const start = keys.findIndex(({ kid }) => kid === after) + 1;
        const items = keys.slice(start, start + size);
        return { items, next: start + size < keys.length ? items.at(-1)?.kid : undefined };
      });
      return { signingKeys: page.items.map(signingKeyMessage), nextPageToken: page.nextPageToken };
    },

    async rotateSigningKey({ now }, context) {
      const { active, next, rotationTime } = await signingKeys.rotate(now, actorOf(context));
      return {
        active: signingKeyMessage(active),
        next: signingKeyMessage(next),
        rotateTime: writeTime(rotationTime),
      };
    },

    async revokeSigningKey({ kid }, context) {
      const { revoked, active } = await signingKeys.revoke(kid, actorOf(context));
      return { signingKey: signingKeyMessage(revoked), active: signingKeyMessage(active) };
    },

    async importSigningKey({ privateKey, kid, asNext }, context) {
      return signingKeyMessage(await signingKeys.import({ privateKey, kid, asNext }, actorOf(context)));
    },
  };
}
