import { once } from "node:events";
import { GetCommand } from "@aws-sdk/lib-dynamodb";
import express from "express";
import { z } from "zod";
import { bareDocuments } from "../baselines/documents.ts";
import { TABLE } from "../measure/engine.ts";
import { serve } from "../measure/serve.ts";

const argumentSchema = z.object({ endpoint: z.string() });

/** The least that serves an item over HTTP: express, one GetItem, JSON. */
await serve(async (argument) => {
  const documents = bareDocuments(argumentSchema.parse(argument).endpoint);
  const app = express();
  app.get("/projects/:id", async (request, response) => {
    const Key = { project_id: request.params.id };
    const { Item } = await documents.send(new GetCommand({ TableName: TABLE, Key, ConsistentRead: true }));
    response.json(Item);
  });
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected a port, found none");
  return {
    answer: async () => `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      documents.destroy();
    },
  };
});
