// Checks a gateway's answers against the OpenAPI documents: every documented reason occurs, and no other.

import { describe, expect, test } from "vitest";
import { type OpenapiDocument, objectOf, readGenerated } from "./document.ts";

type Ask = () => Promise<Response>;

/** Requests by their outcome: `ok` or the reason. */
export type Cases = Readonly<Record<string, Ask | readonly Ask[]>>;

export interface OperationCases {
  readonly operation: string;
  readonly name: "public" | "internal";
  readonly cases: readonly Cases[];
}

const documents = { public: readGenerated("public"), internal: readGenerated("internal") };

export function describeAnswers(operations: readonly OperationCases[]): void {
  describe.each(operations)("$operation in the $name document", ({ operation, name, cases }) => {
    const document: OpenapiDocument = documents[name];
    const asks = cases.flatMap((each) =>
      Object.entries(each).flatMap(([outcome, ask]) => [ask].flat().map((one): [string, Ask] => [outcome, one])),
    );

    test.each(asks)("answers %s as documented", async (outcome, ask) => {
      const { reason = "ok" } = await document.hold(await ask(), operation);
      expect(reason).toBe(outcome);
    });

    test("documents no other reason", () => {
      const { pointer = "" } = document.operations.find(({ id }) => id === operation) ?? {};
      const documented = Object.keys(objectOf(document.at(pointer)["responses"])).flatMap((status) => {
        if (status === "200" || status === "default") return [];
        const schema = `${pointer}/responses/${status}/content/application~1json/schema`;
        return Object.values(objectOf(document.at(`${schema}/allOf/1/properties/reason`)["enum"]));
      });
      expect(["ok", ...documented].sort()).toEqual([...new Set(asks.map(([outcome]) => outcome))].sort());
    });
  });
}
