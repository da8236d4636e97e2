// The form that explains a failed login.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { ExplainLoginResponse } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { TextArea, TextField } from "./fields.tsx";
import { Form, type FormValues } from "./form.tsx";
import { admin } from "./gateway.ts";
import { Notice } from "./parts.tsx";
import { sentence } from "./words.ts";

const EXAMPLE = '{"device_key": "pump-7", "timestamp": 1764000000, "device_signature": "9f…"}';

export function Explain({ deviceKey }: { readonly deviceKey: string }): VNode {
  const [answer, setAnswer] = useState<ExplainLoginResponse>();

  async function explain({ body, received = "" }: FormValues): Promise<void> {
    const ms = Date.parse(received);
    if (received !== "" && Number.isNaN(ms)) throw new Error("Received at is not a time. Write it as in the example");
    const receiveTime = received !== "" && { receiveTime: timestampFromMs(ms) };
    setAnswer(await admin.explainLogin({ deviceKey, body: new TextEncoder().encode(body), ...receiveTime }));
  }

  return (
    <section class="card stack" aria-label="Explain">
      <h2>Explain</h2>
      <p class="quiet">Paste the body of a login as the board sent it, and read what is wrong. No key is shown.</p>
      <Form submit="Explain" act={explain}>
        <TextArea name="body" label="What the board sent" rows={4} placeholder={EXAMPLE} required />
        <TextField name="received" label="Received at" hint="Empty: now" placeholder="2026-01-31T12:00:00Z" />
      </Form>
      {answer !== undefined && (
        <Notice tone={answer.wouldSucceed ? "good" : "bad"}>
          <strong>{answer.wouldSucceed ? "The gateway accepts it." : "The gateway refuses it."}</strong>
          <ul>
            {answer.findings.map(({ code, message }) => (
              <li key={`${code} ${message}`}>
                <code>{code}</code> {sentence(message)}
              </li>
            ))}
          </ul>
        </Notice>
      )}
    </section>
  );
}
