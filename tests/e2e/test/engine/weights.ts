/**
 * Weights of a language model that is real in its form alone: a llama of one layer that does nothing, so that what comes next
 * depends on the token before. Most of that is noise of a seed; a few words are likely, so that sentences and lists end, an
 * author that is held to JSON names a tool that exists, and a talk comes to its point.
 */

/** A tool of the offline catalogue, which takes any text. */
export const TOOL = "text_statistics";
/** What it says after a question mark, and after the end of a line. */
export const SENTENCE = ["Random", " weights", " have", " little", " to", " say", "."] as const;
/** What it says after an exclamation mark, without end. */
const ENDLESS = [" on", " and"] as const;

/** One entry of `tokenizer.ggml.token_type`. */
const NORMAL = 1;
const UNKNOWN = 2;
const CONTROL = 3;
const BYTE = 6;

const WIDTH = 512;
const HEADS = 4;
const FORWARD = 32;
/** A prompt is a token for each byte: those of the author have some 10,000. */
const CONTEXT = 32_768;

/** Ids: unknown, begin and end, then each byte, then words. */
const END = 2;
const FIRST_BYTE = 3;
const TOOLS_NAME = 'catalogue_tools"';
const ONE_TOOL = ":[{";
const WORDS = [TOOL, TOOLS_NAME, ONE_TOOL, ...SENTENCE, ...ENDLESS];

const byteOf = (char: string) => FIRST_BYTE + char.charCodeAt(0);
const wordOf = (word: string) => FIRST_BYTE + 256 + WORDS.indexOf(word);

const tokens = [
  ["<unk>", UNKNOWN],
  ["<s>", CONTROL],
  ["</s>", CONTROL],
  ...Array.from({ length: 256 }, (_, byte): [string, number] => [
    `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    BYTE,
  ]),
  ...WORDS.map((word): [string, number] => [word.replaceAll(" ", "▁"), NORMAL]),
] as [string, number][];

/** How likely a token is after another, as its logit. */
function likely(): Float32Array {
  const next = new Float32Array(tokens.length * WIDTH);
  let state = 1;
  const noise = () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
  const set = (before: number, after: number, logit: number) => {
    next[after * WIDTH + before] = logit;
  };
  for (let before = 0; before < tokens.length; before++) {
    for (let after = FIRST_BYTE; after < tokens.length; after++) set(before, after, noise());
    for (const [i, char] of ['"', "]", "}", ",", ":"].entries()) set(before, byteOf(char), 8 - i);
    set(before, wordOf(TOOLS_NAME), 12);
    set(before, END, 2);
  }
  // A string is the tool's name and nothing else.
  set(byteOf('"'), wordOf(TOOL), 16);
  set(wordOf(TOOL), byteOf('"'), 16);
  set(wordOf(TOOLS_NAME), wordOf(ONE_TOOL), 16);
  const [on, and] = ENDLESS.map(wordOf) as [number, number];
  for (const chain of [
    [byteOf("?"), ...SENTENCE.map(wordOf), END],
    [byteOf("\n"), wordOf(SENTENCE[0])],
    [byteOf("!"), on, and, on],
  ])
    for (const [i, after] of chain.slice(1).entries()) set(chain[i] ?? 0, after, 16);
  return next;
}

/** The file, in the form GGUF 3. */
export function weights(): Buffer {
  const parts: Buffer[] = [];
  const u32 = (value: number) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const u64 = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return bytes;
  };
  const f32 = (value: number) => Buffer.from(Float32Array.of(value).buffer);
  const text = (value: string) => Buffer.concat([u64(Buffer.byteLength(value)), Buffer.from(value)]);
  const list = (type: number, items: readonly Buffer[]) =>
    Buffer.concat([u32(9), u32(type), u64(items.length), ...items]);
  const number = (value: number) => Buffer.concat([u32(4), u32(value)]);
  const named = (value: string) => Buffer.concat([u32(8), text(value)]);
  const no = Buffer.concat([u32(7), Buffer.of(0)]);
  const metadata: Record<string, Buffer> = {
    "general.architecture": named("llama"),
    "general.name": named("weights of a test"),
    "llama.vocab_size": number(tokens.length),
    "llama.context_length": number(CONTEXT),
    "llama.embedding_length": number(WIDTH),
    "llama.block_count": number(1),
    "llama.feed_forward_length": number(FORWARD),
    "llama.attention.head_count": number(HEADS),
    "llama.attention.head_count_kv": number(1),
    "llama.rope.dimension_count": number(WIDTH / HEADS),
    "llama.attention.layer_norm_rms_epsilon": Buffer.concat([u32(6), f32(1e-5)]),
    "tokenizer.ggml.model": named("llama"),
    "tokenizer.ggml.tokens": list(
      8,
      tokens.map(([token]) => text(token)),
    ),
    "tokenizer.ggml.scores": list(
      6,
      tokens.map(() => f32(0)),
    ),
    "tokenizer.ggml.token_type": list(
      5,
      tokens.map(([, type]) => u32(type)),
    ),
    "tokenizer.ggml.unknown_token_id": number(0),
    "tokenizer.ggml.bos_token_id": number(1),
    "tokenizer.ggml.eos_token_id": number(END),
    "tokenizer.ggml.add_bos_token": no,
    "tokenizer.ggml.add_space_prefix": no,
  };

  // Each token has a direction of its own, which the layer leaves alone: it adds nothing.
  const directions = new Float32Array(tokens.length * WIDTH);
  for (let token = 0; token < tokens.length; token++) directions[token * WIDTH + token] = 1;
  const zeros = (...shape: number[]) => new Float32Array(shape.reduce((all, one) => all * one, 1));
  const ones = new Float32Array(WIDTH).fill(1);
  const headWidth = WIDTH / HEADS;
  const tensors: [string, number[], Float32Array][] = [
    ["token_embd.weight", [WIDTH, tokens.length], directions],
    // Normalised, a direction has the length of the root of the width.
    ["output_norm.weight", [WIDTH], new Float32Array(WIDTH).fill(1 / Math.sqrt(WIDTH))],
    ["output.weight", [WIDTH, tokens.length], likely()],
    ["blk.0.attn_norm.weight", [WIDTH], ones],
    ["blk.0.attn_q.weight", [WIDTH, WIDTH], zeros(WIDTH, WIDTH)],
    ["blk.0.attn_k.weight", [WIDTH, headWidth], zeros(WIDTH, headWidth)],
    ["blk.0.attn_v.weight", [WIDTH, headWidth], zeros(WIDTH, headWidth)],
    ["blk.0.attn_output.weight", [WIDTH, WIDTH], zeros(WIDTH, WIDTH)],
    ["blk.0.ffn_norm.weight", [WIDTH], ones],
    ["blk.0.ffn_gate.weight", [WIDTH, FORWARD], zeros(WIDTH, FORWARD)],
    ["blk.0.ffn_up.weight", [WIDTH, FORWARD], zeros(WIDTH, FORWARD)],
    ["blk.0.ffn_down.weight", [FORWARD, WIDTH], zeros(FORWARD, WIDTH)],
  ];
  parts.push(Buffer.from("GGUF"), u32(3), u64(tensors.length), u64(Object.keys(metadata).length));
  for (const [key, value] of Object.entries(metadata)) parts.push(text(key), value);
  let offset = 0;
  for (const [name, shape, values] of tensors) {
    parts.push(text(name), u32(shape.length), ...shape.map(u64), u32(0), u64(offset));
    offset += values.byteLength;
  }
  const written = parts.reduce((sum, part) => sum + part.length, 0);
  // Data begin, and every tensor begins, at a multiple of 32 bytes; all of these are one.
  parts.push(Buffer.alloc((32 - (written % 32)) % 32));
  for (const [, , values] of tensors) parts.push(Buffer.from(values.buffer));
  return Buffer.concat(parts);
}
