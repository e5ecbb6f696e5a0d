import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Lets a finding of cdk-nag stand, and says why it may. */
export function acknowledge(construct: IConstruct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason });
}
