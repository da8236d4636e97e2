// Servers of grpc-js on any port that is free.

import * as grpc from "@grpc/grpc-js";

/** @returns its address, as clients take it */
export function bindAnyPort(server: grpc.Server): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(`127.0.0.1:${port}`) : reject(error),
    );
  });
}
