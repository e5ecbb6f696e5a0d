/**
 * A number of an item that keeps all its digits: DynamoDB has 38 of them, JavaScript 17. For items that are written
 * as they are; in JSON it is a number like any other.
 */
export class LongNumber {
  readonly digits: string;

  constructor(digits: string) {
    this.digits = digits;
  }

  toJSON(): number {
    return Number(this.digits);
  }
}
