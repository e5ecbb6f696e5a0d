import type { PostResult } from "./post.ts";

/** How long the mail server may take for each step. Milliseconds. */
const TIMEOUT_MS = 10_000;

export interface MailSettings {
  /** `smtp://` or `smtps://`, with a user and password where the server wants them. */
  readonly url: string;
  /** Such as `Stagefold <builds@example.org>`. */
  readonly from: string;
}

export interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same mail that is sent twice has the same one, by which mail programs know it. */
  readonly id: string;
}

export type SendMail = (mail: Mail) => Promise<PostResult>;

/** Sends mail through one server. Loaded when the first one is sent: most deployments send none. */
export function createMailer({ url, from }: MailSettings): SendMail {
  const { username, hostname } = new URL(url);
  return async ({ id, ...mail }) => {
    const { createTransport } = await import("nodemailer");
    const transport = createTransport({
      url,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      // A password is sent to another machine through TLS alone, also where something on the way hides that there is any.
      requireTLS: username !== "" && !/^(localhost|127\.|\[::1\])/.test(hostname),
    });
    try {
      const { response } = await transport.sendMail({
        ...mail,
        from,
        messageId: `<${id.replaceAll(/[^\w.-]/g, "_")}@stagefold>`,
        headers: { "Auto-Submitted": "auto-generated" },
      });
      return { status: Number(response.slice(0, 3)) };
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, "responseCode") : undefined;
      if (typeof code === "number") return { status: code };
      return { error: error instanceof Error ? error.message : String(error) };
    } finally {
      transport.close();
    }
  };
}
