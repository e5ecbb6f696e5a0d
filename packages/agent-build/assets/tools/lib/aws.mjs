/** Signed requests to AWS. */

import { AwsV4Signer } from "aws4fetch";

/**
 * The request with its signature, for `fetch`.
 * @param {{ url: string, headers: Record<string, string>, body: string, service: string, region: string, accessKeyId: string, secretAccessKey: string, sessionToken?: string }} request
 */
export async function signed({ url, headers, body, ...rest }) {
  const signer = new AwsV4Signer({ method: "POST", url, headers, body, ...rest });
  const { method, headers: signedHeaders } = await signer.sign();
  return { url, init: { method, headers: signedHeaders, body } };
}
