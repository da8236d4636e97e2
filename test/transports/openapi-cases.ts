// Holds answers of a running gateway against its OpenAPI documents: every kind that is documented comes, and no other.

import { describe, expect, test } from "vitest";
import { type OpenapiDocument, objectOf, readGenerated } from "./openapi.ts";

/** What a call comes to: `ok` or the reason. */
export type Case = readonly [outcome: string, ask: () => Promise<Response>];

export interface OperationCases {
  readonly operation: string;
  readonly name: "public" | "internal";
  readonly own: readonly Case[];
}

const documents = { public: readGenerated("public"), internal: readGenerated("internal") };

export function describeAnswers(cases: readonly OperationCases[]): void {
  describe.each(cases)("$operation of the $name document", ({ operation, name, own }) => {
    const document: OpenapiDocument = documents[name];

    test.each(own)("%s", async (outcome, ask) => {
      const { reason = "ok" } = await document.hold(await ask(), operation);
      expect(reason).toBe(outcome);
    });

    test("nothing else is documented", () => {
      const { pointer = "" } = document.operations.find(({ id }) => id === operation) ?? {};
      const documented = Object.entries(objectOf(document.at(pointer)["responses"])).flatMap(([status]) => {
        if (status === "200" || status === "default") return [];
        const { enum: reasons } = document.at(
          `${pointer}/responses/${status}/content/application~1json/schema/allOf/1/properties/reason`,
        );
        return Object.values(objectOf(reasons));
      });
      expect(["ok", ...documented].sort()).toEqual([...new Set(own.map(([outcome]) => outcome))].sort());
    });
  });
}
