// Explain: what a board sent, and what is wrong with it.

import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { useState } from "preact/hooks";
import type { ExplainLoginResponse } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { admin, sentence } from "./gateway.ts";
import { useAction } from "./loading.ts";
import { FailureNotice, Field, Notice, TextField } from "./parts.tsx";

const EXAMPLE = '{"device_key": "pump-7", "timestamp": 1764000000, "device_signature": "9f…"}';

export function Explain({ deviceKey }: { readonly deviceKey: string }) {
  const [body, setBody] = useState("");
  const [received, setReceived] = useState("");
  const [answer, setAnswer] = useState<ExplainLoginResponse>();
  const action = useAction();
  const explain = async (): Promise<void> => {
    const ms = received === "" ? undefined : Date.parse(received);
    if (ms !== undefined && Number.isNaN(ms)) throw new Error("Received at is no time.");
    const request = { deviceKey, body: new TextEncoder().encode(body) };
    setAnswer(await admin.explainLogin(ms === undefined ? request : { ...request, receiveTime: timestampFromMs(ms) }));
  };
  return (
    <section class="card" aria-label="Explain">
      <h2>Explain</h2>
      <p class="quiet">Paste the body of a login as the board sent it, and read what is wrong. No key is shown.</p>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void action.run(explain);
        }}
      >
        <Field label="What the board sent">
          {(id) => (
            <textarea
              {...id}
              rows={4}
              placeholder={EXAMPLE}
              spellcheck={false}
              value={body}
              onInput={(event) => setBody(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="row start">
          <TextField
            label="Received at"
            hint="Empty: now"
            placeholder="2026-01-31T12:00:00Z"
            value={received}
            onValue={setReceived}
          />
          <button type="submit" class="primary" disabled={body === "" || action.isBusy}>
            Explain
          </button>
        </div>
        <FailureNotice failure={action.failure} />
      </form>
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
