import { ERROR_CODES } from "@stagefold/core";
import { z } from "zod";
import { accessTo } from "../../auth/access.ts";
import { inputSchemaOf, type JsonSchema } from "./inputs.ts";
import { NAMED_SCHEMAS, type RestRoute, restRoutes } from "./table.ts";

type Json = Readonly<Record<string, unknown>>;

const DESCRIPTION = `What Stagefold does, as resources. Data is JSON; a list answers \`items\` and \`next_cursor\`, which is
null on the last page. A refusal is a problem (RFC 9457) whose \`code\` is one of a closed list. The bytes of an artifact
are at \`/artifacts/{project_id}/{path}\`, beside \`/v1\`.`;

const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  description: "A repeat under the same key does nothing more, and is answered as the first was.",
  schema: { type: "string", minLength: 1, maxLength: 64 },
};
const LAST_EVENT_ID = {
  name: "Last-Event-ID",
  in: "header",
  description: "The id of the last event that came: the stream continues after it.",
  schema: { type: "string" },
};

const documents = new Map<string, Json>();

/** The OpenAPI document of the API; made once for a version. */
export function openApiDocument(version: string): Json {
  const known = documents.get(version);
  if (known) return known;
  const made = makeDocument(version);
  documents.set(version, made);
  return made;
}

function makeDocument(version: string): Json {
  const routes = restRoutes();
  const outputs = outputSchemas(routes);
  const paths: Record<string, Record<string, Json>> = {};
  for (const { procedure, ...route } of routes) {
    const methods = paths[`/v1${route.path}`] ?? {};
    methods[route.method] = operation(procedure, route, outputs.get(route.output) ?? {});
    paths[`/v1${route.path}`] = methods;
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Stagefold",
      version,
      description: DESCRIPTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    security: [{ key: [] }, {}],
    tags: [...new Set(routes.map(({ procedure }) => groupOf(procedure)))].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { key: { type: "http", scheme: "bearer", description: "An API key, or a token." } },
      schemas: { ...outputs.named, Problem: PROBLEM },
      responses: {
        Problem: {
          description: "A refusal",
          content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
        },
      },
    },
  };
}

const PROBLEM = {
  type: "object",
  description: "RFC 9457; what else there is depends on the code, such as `issues`, `expected` and `actual`.",
  required: ["type", "title", "status", "detail", "code"],
  properties: {
    type: { type: "string", format: "uri" },
    title: { type: "string" },
    status: { type: "integer" },
    detail: { type: "string" },
    code: { type: "string", enum: [...ERROR_CODES] },
  },
  additionalProperties: true,
};

const groupOf = (procedure: string) => procedure.split(".", 1)[0] ?? "";

function operation(procedure: string, route: RestRoute, output: Json): Json {
  const schema = inputSchemaOf(procedure);
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
  const hasBody = route.method === "post" || route.method === "patch";
  const fields = Object.entries(schema.properties ?? {});
  const inQuery = hasBody ? [] : fields.filter(([name]) => !inPath.includes(name) && name !== "lastEventId");
  const takesKey = fields.some(([name]) => name === "idempotency_key" || name === "operation_id");
  const parameters = [
    ...inPath.map((name) => ({ name, in: "path", required: true, schema: schema.properties?.[name] ?? {} })),
    ...inQuery.map(([name, of]) => ({
      name,
      in: "query",
      required: schema.required?.includes(name) === true,
      schema: of,
    })),
    ...(takesKey ? [IDEMPOTENCY_KEY] : []),
    ...(route.stream ? [LAST_EVENT_ID] : []),
  ];
  const body = hasBody ? bodyOf(schema, inPath) : undefined;
  return {
    operationId: procedure.replace(".", "_"),
    tags: [groupOf(procedure)],
    summary: route.summary,
    "x-stagefold-access": accessTo(procedure),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: body }),
    responses: {
      [String(route.status ?? 200)]: {
        description: route.stream ? "Server-sent events; `data` of each is this" : "Done",
        content: { [route.stream ? "text/event-stream" : "application/json"]: { schema: output } },
      },
      ...(route.output.safeParse(null).success && { "204": { description: "There is nothing" } }),
      "4XX": { $ref: "#/components/responses/Problem" },
      "5XX": { $ref: "#/components/responses/Problem" },
    },
  };
}

/** Without the fields that the address has; undefined where none is left. */
function bodyOf(schema: JsonSchema, inPath: readonly string[]): Json | undefined {
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => !inPath.includes(name));
  if (properties.length === 0) return undefined;
  const required = (schema.required ?? []).filter((name) => !inPath.includes(name));
  const { required: _, ...rest } = schema;
  return {
    required: required.length > 0,
    content: {
      "application/json": {
        schema: {
          ...rest,
          properties: Object.fromEntries(properties),
          ...(required.length > 0 && { required }),
        },
      },
    },
  };
}

/** The answers as JSON Schema, with references to those that have a name. */
function outputSchemas(routes: readonly RestRoute[]) {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED_SCHEMAS)) registry.add(schema, { id });
  const anonymous = new Map<z.ZodType, string>();
  for (const { output } of routes)
    if (!registry.has(output)) {
      const id = `Answer${anonymous.size}`;
      anonymous.set(output, id);
      registry.add(output, { id });
    }
  const { schemas } = z.toJSONSchema(registry, {
    io: "output",
    unrepresentable: "any",
    uri: (id) => `#/components/schemas/${id}`,
  });
  const clean = (id: string): Json => withoutToken(id, plain(schemas[id]));
  const named = Object.fromEntries(Object.keys(NAMED_SCHEMAS).map((id) => [id, clean(id)]));
  const get = (output: z.ZodType): Json => {
    const id = anonymous.get(output);
    if (id !== undefined) return clean(id);
    return { $ref: `#/components/schemas/${registry.get(output)?.id}` };
  };
  return { named, get };
}

function plain(schema: unknown): Json {
  const { $schema: _s, $id: _i, ...rest } = Object(schema);
  return rest;
}

/** A project as it is answered: the token that lets its bearer write is not in it. */
function withoutToken(id: string, schema: Json): Json {
  if (id !== "Project") return schema;
  return JSON.parse(JSON.stringify(schema), (key, value: unknown) => {
    if (key === "lease_token") return undefined;
    if (key === "required" && Array.isArray(value)) return value.filter((name) => name !== "lease_token");
    return value;
  });
}
