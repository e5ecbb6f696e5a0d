/** Whether a DynamoDB answers ListTables at the endpoint. Anything else, silence included, is a no. */
export async function answersListTables(endpoint: string, timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch(endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": "DynamoDB_20120810.ListTables",
        "x-amz-date": "20260101T000000Z",
        // Local engines want the header and check nothing in it.
        authorization:
          "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
      },
      body: "{}",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body: unknown = await response.json();
    return response.ok && typeof body === "object" && body !== null && "TableNames" in body;
  } catch {
    // Refused, reset, timed out or not JSON: each of them is the answer "no".
    return false;
  }
}
