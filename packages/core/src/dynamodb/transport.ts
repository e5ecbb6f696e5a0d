import type { ConsumedCapacity, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  BatchGetCommand,
  type BatchGetCommandInput,
  DeleteCommand,
  type DeleteCommandInput,
  DynamoDBDocumentClient,
  GetCommand,
  type GetCommandInput,
  PutCommand,
  type PutCommandInput,
  QueryCommand,
  type QueryCommandInput,
  UpdateCommand,
  type UpdateCommandInput,
} from "@aws-sdk/lib-dynamodb";
import type { Item } from "../patch/index.ts";
import { translation } from "./requests.ts";

/** The requests of the store, with JSON values in place of DynamoDB's own. */
export type Request =
  | { readonly operation: "GetItem"; readonly input: GetCommandInput }
  | { readonly operation: "PutItem"; readonly input: PutCommandInput }
  | { readonly operation: "UpdateItem"; readonly input: UpdateCommandInput }
  | { readonly operation: "DeleteItem"; readonly input: DeleteCommandInput }
  | { readonly operation: "Query"; readonly input: QueryCommandInput }
  | { readonly operation: "BatchGetItem"; readonly input: BatchGetCommandInput };

/** What answers may have; each operation has its own part of it. */
export interface Answer {
  readonly Item?: Item | undefined;
  readonly Attributes?: Item | undefined;
  readonly Items?: readonly Item[] | undefined;
  readonly LastEvaluatedKey?: Item | undefined;
  readonly Count?: number | undefined;
  readonly ScannedCount?: number | undefined;
  readonly Responses?: { readonly [table: string]: readonly Item[] } | undefined;
  readonly UnprocessedKeys?:
    | { readonly [table: string]: { readonly Keys?: readonly Item[] | undefined } }
    | undefined;
  readonly ConsumedCapacity?: ConsumedCapacity | ConsumedCapacity[] | undefined;
  /** How often the request was sent; more than once when an answer was lost or late. */
  readonly $metadata: { readonly attempts?: number | undefined };
}

/** Sends requests with a limited number of attempts. Errors are those of the SDK. */
export interface Transport {
  send(request: Request): Promise<Answer>;
}

/** The SDK as it is: credentials, endpoints and signatures are its business. */
export class SdkTransport implements Transport {
  readonly #documents: DynamoDBDocumentClient;

  constructor(client: DynamoDBClient) {
    this.#documents = DynamoDBDocumentClient.from(client, translation());
  }

  send(request: Request): Promise<Answer> {
    const documents = this.#documents;
    switch (request.operation) {
      case "GetItem":
        return documents.send(new GetCommand(request.input));
      case "PutItem":
        return documents.send(new PutCommand(request.input));
      case "UpdateItem":
        return documents.send(new UpdateCommand(request.input));
      case "DeleteItem":
        return documents.send(new DeleteCommand(request.input));
      case "Query":
        return documents.send(new QueryCommand(request.input));
      case "BatchGetItem":
        return documents.send(new BatchGetCommand(request.input));
      default:
        return request satisfies never;
    }
  }
}
