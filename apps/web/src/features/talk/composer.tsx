import { AGENT_LIMITS } from "@stagefold/core";
import { Paperclip, SendHorizontal, Square, X } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { Button } from "../../components/ui/button.tsx";
import { toast } from "../../components/ui/toast.ts";
import { useLang, useMessages } from "../../i18n/lang.ts";
import { formatBytes } from "../../lib/format.ts";
import { isForInputMethod } from "../../lib/ime.ts";
import { isLike } from "../../lib/is-like.ts";
import { forget, keep, readKept } from "../../lib/storage.ts";
import { messages } from "./messages.ts";

export interface Question {
  readonly text: string;
  readonly files: readonly File[];
}

export interface ComposerProps {
  /** Under which what is typed is kept. */
  name: string;
  /** The agent answers: it can be stopped, and nothing sent. */
  running: boolean;
  /** Resolves with whether it was taken. */
  onSend: (question: Question) => Promise<boolean>;
  onStop: () => void;
}

const isFinger = () => matchMedia("(pointer: coarse)").matches;
const isKept = (value: unknown): value is { text: string } => isLike(value, { text: "" });

/** Where one asks. Enter sends, with Shift it begins a line; on a phone Enter begins a line. */
export function Composer({ name, running, onSend, onStop }: ComposerProps) {
  const t = useMessages(messages);
  const key = `talk.${name}`;
  const [text, setText] = useState(() => readKept(key, isKept)?.text ?? "");
  const [files, setFiles] = useState<readonly File[]>([]);
  const [sending, setSending] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const check = useFileCheck();
  useEffect(() => {
    if (text === "") forget(key);
    // As a field of its own: what is typed may look like JSON.
    else keep(key, { text });
  }, [key, text]);
  // As high as what is typed, up to a point.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text is the occasion
  useEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${Math.min(element.scrollHeight + 2, 200)}px`;
  }, [text]);
  const add = (more: readonly File[]) => setFiles(check([...files, ...more]));
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (running || sending || text.trim() === "") return;
    setSending(true);
    const taken = await onSend({ text: text.trim(), files });
    setSending(false);
    if (!taken) return;
    // What was typed or added meanwhile stays.
    setText((now) => (now.startsWith(text) ? now.slice(text.length).trimStart() : now));
    setFiles((now) => now.filter((file) => !files.includes(file)));
    field.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter" && !event.shiftKey && !isForInputMethod(event) && !isFinger())
      void submit(event);
  };
  return (
    <form
      className="mx-auto w-full max-w-3xl rounded-2xl border border-line-strong bg-surface p-2 focus-within:border-accent-strong"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        if (event.dataTransfer.files.length === 0) return;
        event.preventDefault();
        add([...event.dataTransfer.files]);
      }}
      onSubmit={(event) => void submit(event)}
    >
      {files.length > 0 && (
        <ul className="mb-2 flex flex-wrap gap-1.5">
          {files.map((file) => (
            <FileChip
              file={file}
              key={file.name}
              onRemove={() => {
                setFiles(files.filter((one) => one !== file));
                // The button that has the focus is removed with the file. A touch would bring up the keyboard.
                if (!isFinger()) field.current?.focus();
              }}
            />
          ))}
        </ul>
      )}
      <div className="flex items-end gap-1">
        <input
          hidden
          multiple
          onChange={(event) => {
            add([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
          ref={picker}
          type="file"
        />
        <Button
          aria-label={t.attach}
          className="max-sm:size-11"
          look="ghost"
          onClick={() => picker.current?.click()}
          size="icon"
          title={t.attach}
          type="button"
        >
          <Paperclip aria-hidden className="size-4" />
        </Button>
        <textarea
          aria-label={t.question}
          className="min-h-8 min-w-0 flex-1 resize-none bg-transparent px-1 py-1.5 text-base leading-5 outline-none placeholder:text-ink-3 max-sm:min-h-11 max-sm:py-3"
          onChange={(event) => setText(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            if (event.clipboardData.files.length === 0) return;
            event.preventDefault();
            add([...event.clipboardData.files]);
          }}
          placeholder={t.placeholder}
          ref={field}
          rows={1}
          value={text}
        />
        {running ? (
          <Button
            aria-label={t.stop}
            className="max-sm:size-11"
            onClick={onStop}
            size="icon"
            title={t.stop}
            type="button"
          >
            <Square aria-hidden className="size-3.5 fill-current" />
          </Button>
        ) : (
          <Button
            aria-label={t.send}
            className="max-sm:size-11"
            disabled={sending || text.trim() === ""}
            focusableWhenDisabled
            look="primary"
            size="icon"
            title={t.send}
            type="submit"
          >
            <SendHorizontal aria-hidden className="size-4" />
          </Button>
        )}
      </div>
    </form>
  );
}

function FileChip({ file, onRemove }: { file: File; onRemove: () => void }) {
  const t = useMessages(messages);
  const lang = useLang();
  return (
    <li className="inline-flex max-w-full items-center gap-1 rounded-md border border-line bg-sunken py-0.5 pr-0.5 pl-2 text-xs">
      <span className="truncate">{file.name}</span>
      <span className="shrink-0 text-ink-2">{formatBytes(file.size, lang)}</span>
      <Button
        aria-label={t.removeFile(file.name)}
        className="size-6 max-sm:size-11"
        look="ghost"
        onClick={onRemove}
        size="icon"
        type="button"
      >
        <X aria-hidden className="size-3" />
      </Button>
    </li>
  );
}

/** Leaves out what the API would refuse, and says so. Of two files of one name the later one goes. */
function useFileCheck(): (files: readonly File[]) => readonly File[] {
  const t = useMessages(messages);
  const lang = useLang();
  return (files) => {
    const large = files.filter(({ size }) => size > AGENT_LIMITS.file);
    for (const { name } of large) toast.fail(t.tooLarge(name, formatBytes(AGENT_LIMITS.file, lang)));
    const fitting = [
      ...new Map(files.filter((file) => !large.includes(file)).map((file) => [file.name, file])).values(),
    ];
    if (fitting.length > AGENT_LIMITS.files) toast.fail(t.tooMany(AGENT_LIMITS.files));
    return fitting.slice(0, AGENT_LIMITS.files);
  };
}
