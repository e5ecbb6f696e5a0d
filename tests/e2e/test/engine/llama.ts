import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** As much of node-llama-cpp as is used here: it is no dependency, so its types are not there. */
interface LlamaModule {
  getLlama(options: object): Promise<Llama>;
  LlamaGrammarEvaluationState: new (options: { model: LlamaModel; grammar: unknown }) => object;
}
interface Llama {
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
  createGrammarForJsonSchema(schema: object): Promise<unknown>;
  dispose(): Promise<void>;
}
interface LlamaModel {
  tokenize(text: string): number[];
  detokenize(tokens: readonly number[]): string;
  isEogToken(token: number): boolean;
  createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
}
interface LlamaSequence {
  readonly nextTokenIndex: number;
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
}

/** One answer, as the engine counted it. */
export interface EngineCall {
  readonly prompt: string;
  readonly input_tokens: number;
  /** Of the input: what the engine still had of the call before. */
  readonly cached_tokens: number;
  output_tokens: number;
  text: string;
  /** The reader went away before its end. */
  stopped: boolean;
}

interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly { readonly text?: string }[] | null;
  readonly tool_calls?: readonly { readonly function: { readonly arguments: string } }[];
}
interface ChatRequest {
  readonly messages: readonly ChatMessage[];
  readonly max_tokens?: number;
  readonly response_format?: { readonly json_schema?: { readonly schema: object } };
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters: object } }[];
}

/** llama.cpp on a file of weights, behind an endpoint as OpenAI has it: streams, grammars of JSON schemas, tools, usage. */
export async function startLlama(installedIn: string, weights: string) {
  const file = join(installedIn, "node_modules/node-llama-cpp/dist/index.js");
  const { getLlama, LlamaGrammarEvaluationState }: LlamaModule = await import(pathToFileURL(file).href);
  // More threads than free cores wait for each other by spinning.
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: 1, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: weights });
  const sequence = (await model.createContext({ contextSize: 32_768, threads: 1 })).getSequence();
  const calls: EngineCall[] = [];

  async function* generate(
    prompt: string,
    schema: object | undefined,
    limit: number,
    call: (one: EngineCall) => void,
  ) {
    const tokens = model.tokenize(prompt);
    await sequence.adaptStateToTokens(tokens.slice(0, -1), false);
    const cached_tokens = sequence.nextTokenIndex;
    const one = {
      prompt,
      input_tokens: tokens.length,
      cached_tokens,
      output_tokens: 0,
      text: "",
      stopped: true,
    };
    calls.push(one);
    call(one);
    const grammarEvaluationState =
      schema &&
      new LlamaGrammarEvaluationState({ model, grammar: await llama.createGrammarForJsonSchema(schema) });
    for await (const token of sequence.evaluate(tokens.slice(cached_tokens), {
      temperature: 0,
      grammarEvaluationState,
      yieldEogToken: true,
    })) {
      one.output_tokens++;
      if (model.isEogToken(token)) break;
      const text = model.detokenize([token]);
      one.text += text;
      yield text;
      if (one.output_tokens >= limit) return;
    }
    one.stopped = false;
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of req) parts.push(part);
    const asked: ChatRequest = JSON.parse(Buffer.concat(parts).toString());
    const { messages, tools = [], max_tokens = 4000, response_format } = asked;
    const last = messages.at(-1);
    // Which tool is called is decided by the question alone: to these weights all are the same. Its input is the engine's.
    const called =
      last?.role === "user" ? tools.find((one) => textOf(last).includes(one.function.name)) : undefined;
    const schema = called?.function.parameters ?? response_format?.json_schema?.schema;
    res.writeHead(200, { "content-type": "text/event-stream" });
    const send = (choices: object[], more: object = {}) => {
      const chunk = {
        id: "1",
        object: "chat.completion.chunk",
        created: 1,
        model: "weights",
        choices,
        ...more,
      };
      res.write(`data: ${JSON.stringify(chunk)}\n\n`);
    };
    const delta = (text: string) =>
      called === undefined
        ? { content: text }
        : {
            tool_calls: [
              {
                index: 0,
                id: `call_${calls.length}`,
                type: "function",
                function: { name: called.function.name, arguments: text },
              },
            ],
          };
    let call: EngineCall | undefined;
    const told = (one: EngineCall) => {
      call = one;
    };
    for await (const text of generate(promptOf(messages), schema, max_tokens, told)) {
      if (res.destroyed) return;
      send([{ index: 0, delta: delta(text), finish_reason: null }]);
      // A reader that goes away is seen between two tokens.
      await new Promise((next) => setImmediate(next));
    }
    const { input_tokens = 0, output_tokens = 0, cached_tokens = 0, stopped } = call ?? {};
    const finish_reason = stopped ? "length" : called ? "tool_calls" : "stop";
    send([{ index: 0, delta: {}, finish_reason }]);
    const prompt_tokens_details = { cached_tokens };
    const total_tokens = input_tokens + output_tokens;
    send([], {
      usage: {
        prompt_tokens: input_tokens,
        completion_tokens: output_tokens,
        total_tokens,
        prompt_tokens_details,
      },
    });
    res.end("data: [DONE]\n\n");
  }

  // The engine has one sequence: one answer at a time.
  let turn: Promise<void> = Promise.resolve();
  const server = createServer((req, res) => {
    turn = turn.then(() => answer(req, res)).catch((error: unknown) => void res.destroy(error as Error));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    calls: calls as readonly EngineCall[],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      await turn;
      await llama.dispose();
    },
  };
}

function textOf({ content, tool_calls = [] }: ChatMessage): string {
  const said = typeof content === "string" ? content : (content ?? []).map(({ text = "" }) => text).join("");
  return said + tool_calls.map((call) => call.function.arguments).join("");
}

/** The answer follows what was said last, which a tool ends with a line. */
function promptOf(messages: readonly ChatMessage[]): string {
  return messages.map((one) => `${one.role}: ${textOf(one)}${one.role === "tool" ? "\n" : ""}`).join("\n");
}
