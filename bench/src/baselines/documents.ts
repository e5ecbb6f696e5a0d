import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { createDynamoClient } from "@stagefold/core/dynamodb";

/** The SDK as its documentation shows it: a document client, with connections that stay open. */
export function bareDocuments(endpoint: string): DynamoDBDocumentClient {
  // Our own client, for its settings alone: what a document client sends goes through all of the SDK.
  const client = createDynamoClient({ endpoint });
  return DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
}
