import { defineMessages } from "../../i18n/define-messages.ts";

export const messages = defineMessages({
  en: {
    title: "A question for you",
    from: (build: string, stage: string) => `${build} · ${stage}`,
    thanks: "Thank you, your answer is recorded.",
    thanksHint: "The build continues with it. You can close this page.",
    answeredBy: (who: string) => `This question was answered by ${who}.`,
    answered: "This question is answered.",
    over: "This question is not open any more.",
    overHint: "Its time is over, or the build was cancelled or asks anew. Ask for a new link.",
    notValid: "This link is not valid, or not valid any more.",
    notValidHint: "Was it copied as a whole? Ask for a new one if it was.",
    tryAgain: "Try again",
  },
  zh: {
    title: "有一个问题需要您答复",
    from: (build, stage) => `${build} · ${stage}`,
    thanks: "谢谢，您的答复已记录。",
    thanksHint: "构建将据此继续，您可以关闭此页面。",
    answeredBy: (who) => `此问题已由 ${who} 答复。`,
    answered: "此问题已有答复。",
    over: "此问题已关闭。",
    overHint: "已超过期限，或构建已取消、已重新提问。请索取新的链接。",
    notValid: "此链接无效或已失效。",
    notValidHint: "请确认链接复制完整；若完整，请索取新的链接。",
    tryAgain: "重试",
  },
});
