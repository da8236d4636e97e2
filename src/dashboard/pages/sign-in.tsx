// The page that exchanges an admin token for a session.

import type { VNode } from "preact";
import { TextField } from "../fields.tsx";
import { Form } from "../form.tsx";
import { signIn } from "../gateway.ts";
import { Notice } from "../parts.tsx";

interface SignInProps {
  /** The reason why the operator is signed out; empty: none. */
  readonly message: string;
  readonly onSignedIn: () => Promise<void>;
}

export function SignIn({ message, onSignedIn }: SignInProps): VNode {
  return (
    <main class="sign-in">
      <section class="card stack">
        <img src={new URL("../icon.svg", import.meta.url).href} alt="" width={40} height={40} />
        <h1>Countersign</h1>
        {message !== "" && <Notice tone="bad">{message}</Notice>}
        <Form
          submit="Sign in"
          act={async ({ token = "" }) => {
            await signIn({ token: token.trim() });
            await onSignedIn();
          }}
        >
          <TextField name="token" label="Admin token" type="password" autoComplete="current-password" required />
        </Form>
        <p class="quiet">
          Or run <code>npx countersign dashboard</code> beside the gateway, and open the link that it prints.
        </p>
      </section>
    </main>
  );
}
