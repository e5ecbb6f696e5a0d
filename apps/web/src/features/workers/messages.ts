import { defineMessages } from "../../i18n/define-messages.ts";

export const messages = defineMessages({
  en: {
    title: "Workers",
    intro: "The processes that run stages, as each of them says every ten seconds.",
    none: "No worker runs",
    noneText: "Builds wait until one is started: `stagefold up` brings one, `stagefold worker` adds another.",
    command: "stagefold worker",
    copyCommand: "Copy the command",
    alive: "Alive",
    slots: "Slots in use",
    queued: "Builds in the queue",
    slotsUsed: (used: string, all: string) => `${used} of ${all} slots in use`,
    notReady: "Cannot run stages",
    started: "Started",
    seen: "Last sign",
    otherVersion: (version: string) => `another version than the API, which is ${version}`,
    running: "Runs",
    nothing: "Nothing at present",
    pipelines: (n: number) => (n === 1 ? "1 pipeline" : `${n} pipelines`),
    differs: (names: string) => `Not all workers have the same definition of ${names}`,
    differsText:
      "An attempt runs the definition of the worker that it comes to. Files that were changed reach all workers once their folders are the same.",
    waits: (n: number) =>
      n === 1
        ? "1 build waits, and no worker is there to run it"
        : `${n} builds wait, and no worker is there to run them`,
    full: (n: number) =>
      n === 1
        ? "All slots are in use; 1 build waits for one"
        : `All slots are in use; ${n} builds wait for one`,
    toQueued: "Show them",
    other: "Programs that claim their own stages by work.claim are not among them.",
  },
  zh: {
    title: "工作进程",
    intro: "运行各阶段的进程；每个进程每十秒报告一次自身状况。",
    none: "没有工作进程在运行",
    noneText: "构建会一直等待，直到有工作进程启动：`stagefold up` 自带一个，`stagefold worker` 可再增加。",
    command: "stagefold worker",
    copyCommand: "复制命令",
    alive: "在线",
    slots: "占用的槽位",
    queued: "排队中的构建",
    slotsUsed: (used, all) => `${all} 个槽位中占用 ${used} 个`,
    notReady: "无法运行阶段",
    started: "启动时间",
    seen: "最近信号",
    otherVersion: (version) => `与 API 的版本 ${version} 不同`,
    running: "正在运行",
    nothing: "当前没有",
    pipelines: (n) => `${n} 条流水线`,
    differs: (names) => `各工作进程的 ${names} 定义不一致`,
    differsText: "每次尝试使用领取它的工作进程所持的定义。各文件夹一致后，更改会到达所有工作进程。",
    waits: (n) => `${n} 个构建在等待，但没有工作进程来运行`,
    full: (n) => `槽位已全部占用，${n} 个构建在等待`,
    toQueued: "查看",
    other: "通过 work.claim 自行领取阶段的程序不在其中。",
  },
});
