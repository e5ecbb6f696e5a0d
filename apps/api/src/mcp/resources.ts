import { type McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { z } from "zod";
import { cut, MAX_ANSWER_BYTES } from "./answer.ts";
import type { McpBackend } from "./backend.ts";

const listSchema = z.object({
  items: z.array(z.looseObject({ project_id: z.string(), project_name: z.string(), status: z.string() })),
});

/** The address of a build as a resource. */
export const buildUri = (projectId: string) => `stagefold://builds/${projectId}`;

/** Builds and their artifacts, to be read and watched. */
export function addResources(server: McpServer, backend: McpBackend): void {
  server.registerResource(
    "build",
    new ResourceTemplate("stagefold://builds/{project_id}", {
      list: async () => {
        const { items } = listSchema.parse(await backend.call("projects.list", { limit: 20 }));
        return {
          resources: items.map(({ project_id, project_name, status }) => ({
            uri: buildUri(project_id),
            name: project_name,
            description: status,
            mimeType: "application/json",
          })),
        };
      },
    }),
    { title: "A build", description: "Its state and its stages.", mimeType: "application/json" },
    async (uri, { project_id }) => {
      const project = await backend.call("projects.get", { project_id: String(project_id) });
      return {
        contents: [{ uri: uri.href, mimeType: "application/json", text: cut(JSON.stringify(project)) }],
      };
    },
  );
  server.registerResource(
    "artifact",
    new ResourceTemplate("stagefold://builds/{project_id}/artifacts/{+path}", { list: undefined }),
    { title: "An artifact", description: "A file that a build has made, up to 48 KB of it." },
    async (uri, { project_id, path }) => {
      const address = { project_id: String(project_id), path: decodeURIComponent(String(path)) };
      const { bytes, mediaType } = await backend.artifact(address, MAX_ANSWER_BYTES);
      const blob = Buffer.from(bytes).toString("base64");
      const isText = /^text\/|json|yaml|xml|javascript/.test(mediaType);
      const content = isText ? { text: Buffer.from(bytes).toString("utf8") } : { blob };
      return { contents: [{ uri: uri.href, mimeType: mediaType, ...content }] };
    },
  );
}
