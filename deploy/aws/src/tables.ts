import { RemovalPolicy } from "aws-cdk-lib";
import { CfnTable } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
// As packages/core has them; a test of the repository holds both together.
import core from "./core.json" with { type: "json" };

interface TableDefinition {
  readonly AttributeDefinitions: readonly {
    readonly AttributeName: string;
    readonly AttributeType: string;
  }[];
  readonly KeySchema: readonly KeyPart[];
  readonly GlobalSecondaryIndexes: readonly {
    readonly IndexName: string;
    readonly KeySchema: readonly KeyPart[];
    readonly Projection: { readonly ProjectionType: string; readonly NonKeyAttributes: readonly string[] };
  }[];
  readonly expires_by?: string;
}

interface KeyPart {
  readonly AttributeName: string;
  readonly KeyType: string;
}

/** The two tables with all that core expects of them: it adds nothing at its start. */
export class Tables extends Construct {
  readonly projects: CfnTable;
  readonly records: CfnTable;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.projects = this.#table("AgentProjects", core.tables.projects);
    this.records = this.#table("StagefoldRecords", core.tables.records);
  }

  #table(name: string, definition: TableDefinition): CfnTable {
    const keys = (parts: readonly KeyPart[]) =>
      parts.map(({ AttributeName, KeyType }) => ({ attributeName: AttributeName, keyType: KeyType }));
    const table = new CfnTable(this, name, {
      billingMode: "PAY_PER_REQUEST",
      attributeDefinitions: definition.AttributeDefinitions.map(({ AttributeName, AttributeType }) => ({
        attributeName: AttributeName,
        attributeType: AttributeType,
      })),
      keySchema: keys(definition.KeySchema),
      globalSecondaryIndexes: definition.GlobalSecondaryIndexes.map(
        ({ IndexName, KeySchema, Projection }) => ({
          indexName: IndexName,
          keySchema: keys(KeySchema),
          projection: {
            projectionType: Projection.ProjectionType,
            nonKeyAttributes: [...Projection.NonKeyAttributes],
          },
        }),
      ),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtectionEnabled: true,
      ...(definition.expires_by !== undefined && {
        timeToLiveSpecification: { attributeName: definition.expires_by, enabled: true },
      }),
    });
    table.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return table;
  }
}
