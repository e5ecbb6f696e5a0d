import type { ProjectStatus, StageStatus } from "../lib/api.ts";
import { defineMessages, type Lang } from "./define-messages.ts";

/** Texts that every feature needs. */
export const common = defineMessages({
  en: {
    builds: "Builds",
    newBuild: "New build",
    statistics: "Statistics",
    help: "Keyboard shortcuts",
    cancel: "Cancel",
    close: "Close",
    delete: "Delete",
    pause: "Pause",
    resume: "Resume",
    retry: "Retry",
    cancelBuild: "Cancel build",
    tryAgain: "Try again",
    copy: "Copy",
    copied: "Copied",
    notCopied: "The browser let nothing be copied",
    loading: "Loading…",
    more: "More",
    search: "Search",
    back: "Back",
    toBuilds: "To the builds",
    haveCopied: "I have copied it",
    edit: "Edit",
    unmet: (n: number) => `${n} unmet`,
    waitsWorker: "Waiting for a worker",
    startsIn: (time: string) => `Starts in ${time}`,
    waitsProgram: "Waits for the program that runs its stages",
    waitsNoWorker: "No worker runs",
    waitsPipeline: (n: string) =>
      `Waits for another build of its pipeline: at most ${n} run at the same time`,
    waitsSlots: (n: string) => `All ${n} slots of the workers are in use`,
    triesAgainIn: (time: string) => `Tries again in ${time}`,
    inQueue: (place: string, all: string) => `about number ${place} of ${all} in the queue`,
  },
  zh: {
    builds: "构建",
    newBuild: "新建构建",
    statistics: "统计",
    help: "键盘快捷键",
    cancel: "取消",
    close: "关闭",
    delete: "删除",
    pause: "暂停",
    resume: "继续",
    retry: "重试",
    cancelBuild: "取消构建",
    tryAgain: "重试",
    copy: "复制",
    copied: "已复制",
    notCopied: "浏览器不允许复制",
    loading: "加载中…",
    more: "更多",
    search: "搜索",
    back: "返回",
    toBuilds: "前往构建列表",
    haveCopied: "我已复制",
    edit: "编辑",
    unmet: (n) => `${n} 项未满足`,
    waitsWorker: "等待工作进程",
    startsIn: (time) => `${time}后开始`,
    waitsProgram: "等待运行其阶段的程序",
    waitsNoWorker: "没有工作进程在运行",
    waitsPipeline: (n) => `等待同一流水线的其他构建：最多同时运行 ${n} 个`,
    waitsSlots: (n) => `工作进程的 ${n} 个槽位已全部占用`,
    triesAgainIn: (time) => `${time}后重试`,
    inQueue: (place, all) => `队列中约第 ${place} 位，共 ${all} 个`,
  },
});

/** What the states are called; stages share the names. */
export const statusNames = {
  en: {
    pending: "Pending",
    queued: "Queued",
    building: "Building",
    running: "Running",
    waiting: "Waiting for an answer",
    paused: "Paused",
    completed: "Completed",
    failed: "Failed",
    skipped: "Skipped",
    cancelled: "Cancelled",
  },
  zh: {
    pending: "待处理",
    queued: "排队中",
    building: "构建中",
    running: "运行中",
    waiting: "等待答复",
    paused: "已暂停",
    completed: "已完成",
    failed: "失败",
    skipped: "已跳过",
    cancelled: "已取消",
  },
} as const satisfies Record<Lang, Record<ProjectStatus | StageStatus, string>>;

/** A text in one language, or one per language, as pipelines have them; `fallback` when there is none. */
export function localised(
  text: string | Readonly<Record<string, string>> | undefined,
  lang: Lang,
  fallback: string,
): string {
  if (typeof text === "string") return text;
  return text?.[lang] ?? text?.en ?? Object.values(text ?? {})[0] ?? fallback;
}
