import { defineMessages } from "../../i18n/define-messages.ts";

export const messages = defineMessages({
  en: {
    value: "Value",
    required: "required",
    choose: "Choose…",
    linesHint: "One a line.",
    jsonHint: "As JSON.",
    missing: "This is needed.",
    number: "Expected a number.",
    integer: "Expected a whole number.",
    json: "This is not JSON.",
    least: (limit: number) => `Expected at least ${limit}.`,
    most: (limit: number) => `Expected at most ${limit}.`,
  },
  zh: {
    value: "值",
    required: "必填",
    choose: "请选择…",
    linesHint: "每行一个。",
    jsonHint: "以 JSON 填写。",
    missing: "此项必填。",
    number: "应为数字。",
    integer: "应为整数。",
    json: "这不是 JSON。",
    least: (limit) => `不应小于 ${limit}。`,
    most: (limit) => `不应大于 ${limit}。`,
  },
});
