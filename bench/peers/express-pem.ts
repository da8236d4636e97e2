// Peer: express with the key as jsonwebtoken's README has it, in PEM, which is parsed for each token.

import { serveExpress } from "../express-login.ts";
import { servePeer } from "../serve-peer.ts";

servePeer((setup) => serveExpress(setup, (privateKey) => String(privateKey.export({ type: "pkcs8", format: "pem" }))));
