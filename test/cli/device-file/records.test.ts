// Reading files of devices: what each line is taken for, whatever the pieces it comes in.

import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DeviceSchema, KeyMode } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Format } from "../../../src/cli/device-file/formats.ts";
import { headerText, textOf } from "../../../src/cli/device-file/text.ts";
import { readAll } from "./device-files.ts";

const HEADER = "device_key,customer_id,name,key_mode,shared_identity,replay_guard,labels\n";

/** Each line with its key, or its mistake. */
async function summary(
  text: string | Buffer,
  format: Format,
  piece?: number,
): Promise<readonly (readonly [number, unknown])[]> {
  const bytes = Buffer.from(text);
  const { records } = await readAll(bytes, format, piece === undefined ? {} : { piece });
  return records.map(({ line, content }) => [line, content["deviceKey"] ?? content["message"]]);
}

const PIECES = [1, 2, 3, 7, 64, 100_000];

describe("CSV", () => {
  test.for(PIECES)("reads every column, quoted or not, in pieces of %d bytes", async (piece) => {
    const text = `${HEADER}a,acme,"Pump, ""one""",derived,true,off,site=north;line=7=b\r\n"b",acme,,,,,\r\n`;
    const { records } = await readAll(Buffer.from(text), "csv", { piece });
    expect(records).toMatchObject([
      {
        line: 2,
        content: {
          deviceKey: "a",
          customerId: "acme",
          displayName: 'Pump, "one"',
          keyMode: KeyMode.DERIVED,
          sharedIdentity: true,
          replayGuard: false,
          labels: { labels: { site: "north", line: "7=b" } },
        },
      },
      { line: 3, content: { deviceKey: "b", customerId: "acme", keyMode: KeyMode.UNSPECIFIED } },
    ]);
    for (const member of ["displayName", "sharedIdentity", "replayGuard", "labels"]) {
      expect(records[1]?.content[member]).toBeUndefined();
    }
  });

  test.for(PIECES)("keeps count of lines over empty ones and those in quotes, in pieces of %d bytes", async (piece) => {
    const text =
      '\ufeffcustomer_id,device_key,name\r\n\r\n\nacme,a,x\nacme,b,"one\r\ntwo\n\nfour"\r\n\r\nacme,c,x\nacme,d,';
    expect(await summary(text, "csv", piece)).toEqual([
      [4, "a"],
      [5, "b"],
      [10, "c"],
      [11, "d"],
    ]);
  });

  test.for(PIECES)("gives up the line of a quote that is wrong, and no other, in pieces of %d bytes", async (piece) => {
    const text = `device_key,customer_id\na,"acme"x\nb,acme\nc,ac"me\nd,acme\n"e,acme\nf,acme\n`;
    expect(await summary(text, "csv", piece)).toEqual([
      [2, expect.stringContaining("a double quote is out of place")],
      [3, "b"],
      [4, expect.stringContaining("a double quote is out of place")],
      [5, "d"],
      [6, "a double quote is opened and not closed"],
      [7, "f"],
    ]);
  });

  test("names what is wrong with a value", async () => {
    const text = Buffer.concat([
      Buffer.from(HEADER),
      Buffer.from(
        "a,acme,,sharde,,,\ng, acme,,,,,\nh,acme,, derived,,,\nb,acme,,,maybe,,\nc,acme,,,,,north\nd,acme,,,,,a=1;a=2\ne,acme\n",
      ),
      Buffer.from("f,acme,M\xfcller,,,,\n", "latin1"),
    ]);
    const { records } = await readAll(text, "csv");
    expect(records.map(({ content }) => content)).toEqual([
      { message: "key_mode has to be shared or derived", field: "key_mode" },
      { message: "customer_id begins or ends with a space. Take it out", field: "customer_id" },
      { message: "key_mode begins or ends with a space. Take it out", field: "key_mode" },
      { message: "shared_identity has to be true or false or on or off", field: "shared_identity" },
      { message: "labels has to be like site=north;line=7", field: "labels" },
      { message: "labels has a name twice", field: "labels" },
      { message: "it has 2 columns and the header has 7. A value with a comma has to be quoted", field: "" },
      { message: "it is not UTF-8. Save the file as UTF-8", field: "" },
    ]);
  });

  test.for<[string, string]>([
    ["", "file: it is empty, and has to begin with a header"],
    ["\n\n", "file: it is empty, and has to begin with a header"],
    ["device_key\na\n", "file: its header has no column customer_id. Put it there, or give --customer ID for all"],
    ["customer_id,device_key,device_key\n", "file: its header has device_key twice"],
    [
      "device-key,customer_id\n",
      'file: its first line has to be a header, and there is no column "device-key". Is it device_key?',
    ],
    [
      "device_key,customer_id,display_name\n",
      'file: its first line has to be a header, and there is no column "display_name". Is it name?',
    ],
    [
      "pump-7,acme\n",
      'file: its first line has to be a header, and there is no column "pump-7". The columns are device_key, customer_id, name, key_mode, shared_identity, replay_guard, labels',
    ],
    ["device_key;customer_id\n", "file: its header has no commas, which part columns here"],
    ["device_key\tcustomer_id\n", "file: its header has no commas, which part columns here"],
    ["device_key,customer_id\ra,acme\r", "file: its lines end in a carriage return alone. Save it with line feeds"],
  ])("refuses a file whose header is %j", async ([text, message]) => {
    await expect(readAll(Buffer.from(text), "csv")).rejects.toMatchObject({ message, status: 2 });
  });

  test("needs no customer_id where one is given for all", async () => {
    const { records } = await readAll(Buffer.from("device_key\na\n"), "csv", { customerGiven: true });
    expect(records).toMatchObject([{ line: 2, content: { deviceKey: "a", customerId: "" } }]);
  });
});

describe("NDJSON", () => {
  test.for(PIECES)("reads every member, in pieces of %d bytes", async (piece) => {
    const full = {
      device_key: "a",
      customer_id: "acme",
      name: "",
      key_mode: "derived",
      shared_identity: true,
      replay_guard: false,
      labels: {},
    };
    const text = `\ufeff${JSON.stringify(full)}\r\n\n  \n{"device_key":"b","customer_id":"acme","name":null}`;
    const { records } = await readAll(Buffer.from(text), "ndjson", { piece });
    expect(records).toMatchObject([
      {
        line: 1,
        content: {
          deviceKey: "a",
          displayName: "",
          keyMode: KeyMode.DERIVED,
          sharedIdentity: true,
          replayGuard: false,
          labels: { labels: {} },
        },
      },
      { line: 4, content: { deviceKey: "b" } },
    ]);
    expect(records[1]?.content["displayName"]).toBeUndefined();
  });

  test("names what is wrong with a line", async () => {
    const lines = [
      "{",
      "[]",
      "7",
      '{"device_key":7}',
      '{"device_kye":"a"}',
      '{"device_key":"\\ud800"}',
      '{"labels":["a"]}',
      '{"labels":{"a":1}}',
      '{"replay_guard":"perhaps"}',
      '{"__proto__":"a"}',
      '{"device_key":"a","customer_id":"acme","device_\\u006bey":"b"}',
      '{"labels":{"a":"b","c":"\\"a\\":","a" :"d"}}',
      '{"device_key":" a"}',
      '{"customer_key":"s"}',
    ];
    expect((await summary(lines.join("\n"), "ndjson")).map(([, message]) => message)).toEqual([
      "it is no JSON. Each line has to be one object of its own",
      'it is no JSON object, as in {"device_key": "pump-7", "customer_id": "acme"}',
      'it is no JSON object, as in {"device_key": "pump-7", "customer_id": "acme"}',
      "device_key has to be text, in double quotes",
      'there is no column "device_kye". Is it device_key?',
      "device_key has half a character in it",
      'labels has to be an object of texts, as in {"site": "north"}',
      'the label "a" has to be text, in double quotes',
      "replay_guard has to be true or false or on or off",
      'there is no column "__proto__". The columns are device_key, customer_id, name, key_mode, shared_identity, replay_guard, labels',
      'it has "device_key" twice',
      'it has "a" twice',
      "device_key begins or ends with a space. Take it out",
      'there is no column "customer_key". Keys are not in this file. Take it out and see docs/migrating.md',
    ]);
  });

  test("takes names that only look alike, and objects of their own", async () => {
    const line = '{"device_key":"labels","customer_id":"device_key","labels":{"device_key":"x","labels":"y"}}';
    expect(await summary(line, "ndjson")).toEqual([[1, "labels"]]);
  });
});

describe.for<Format>(["csv", "ndjson"])("%s", (format) => {
  const line = (key: string): string =>
    format === "csv" ? `${key},acme,,,,,\n` : `{"device_key":"${key}","customer_id":"acme"}\n`;
  const header = headerText(format);
  const first = format === "csv" ? 2 : 1;

  test.for([1_000, 65_536, 4_000_000])("passes over a line of a million bytes, in pieces of %d", async (piece) => {
    const text = `${header}${line("a")}${"x".repeat(1_000_000)}\n${line("b")}`;
    expect(await summary(text, format, piece)).toEqual([
      [first, "a"],
      [first + 1, "it has more than 65536 bytes. Is this a file of devices?"],
      [first + 2, "b"],
    ]);
  });

  test("passes over one that never ends", async () => {
    expect(await summary(`${header}${line("a")}${"x".repeat(200_000)}`, format, 10_000)).toEqual([
      [first, "a"],
      [first + 1, "it has more than 65536 bytes. Is this a file of devices?"],
    ]);
  });

  const text = fc.string({ unit: "grapheme", maxLength: 20 }).filter((value) => !/[\p{Cc}\p{Cs}]/u.test(value));
  const device = fc
    .record({
      deviceKey: fc.string({
        unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
        minLength: 1,
        maxLength: 20,
      }),
      customerId: fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,15}$/),
      displayName: text,
      keyMode: fc.constantFrom(KeyMode.SHARED, KeyMode.DERIVED),
      sharedIdentity: fc.boolean(),
      replayGuard: fc.boolean(),
      labels: fc.dictionary(
        fc.stringMatching(/^[A-Za-z0-9._-]{1,10}$/),
        text.map((value) => value.replaceAll(";", "")),
        { maxKeys: 4 },
      ),
    })
    .map((members) => create(DeviceSchema, members));

  test("what export writes, import reads as it was, in pieces of any size and from any place", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(device, { maxLength: 8 }),
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        async (devices, piece, cut) => {
          const bytes = Buffer.from(headerText(format) + textOf(format, devices));
          const { records, ends } = await readAll(bytes, format, { piece });
          expect(records.map(({ content }) => content)).toEqual(
            devices.map(({ deviceKey, customerId, displayName, keyMode, sharedIdentity, replayGuard, labels }) => {
              const said = (value: unknown, empty: boolean): unknown => (format === "csv" && empty ? undefined : value);
              const name = said(displayName, displayName === "");
              const words = said({ labels }, Object.keys(labels).length === 0);
              return expect.objectContaining({
                deviceKey,
                customerId,
                keyMode,
                sharedIdentity,
                replayGuard,
                ...(name !== undefined && { displayName: name }),
                ...(words !== undefined && { labels: expect.objectContaining(words) }),
              });
            }),
          );
          const from = ends[cut % Math.max(1, ends.length)];
          if (from === undefined) return;
          const rest = await readAll(bytes, format, { piece, from });
          expect(rest.records).toEqual(records.slice((cut % ends.length) + 1));
        },
      ),
    );
  });

  test("no bytes are more than wrong lines, each told of once, whatever the pieces", async () => {
    const bytes = fc
      .array(
        fc.oneof(
          fc.constantFrom('"', ",", "\n", "\r\n", "{", "}", ":", "a", '"a"', ";", "=", "\\", line("k")),
          fc.string({ maxLength: 5 }),
          fc.uint8Array({ maxLength: 3 }),
        ),
        { maxLength: 40 },
      )
      .map((parts) => Buffer.concat([Buffer.from(header), ...parts.map((part) => Buffer.from(part))]));
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 50 }), async (file, piece) => {
        const { records, ends } = await readAll(file, format, { piece });
        const lines = records.map(({ line: at }) => at);
        expect(lines).toEqual([...new Set(lines)].sort((one, other) => one - other));
        for (const { offset, line: next } of ends) {
          if (offset < file.length) expect(next).toBe(file.subarray(0, offset).toString("latin1").split("\n").length);
        }
        expect((await readAll(file, format)).records).toEqual(records);
      }),
      { numRuns: 500 },
    );
  });
});
