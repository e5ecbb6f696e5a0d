import { defineMessages } from "../../i18n/define-messages.ts";

export const messages = defineMessages({
  en: {
    title: "Sign in",
    intro: "This Stagefold asks who you are.",
    provider: "Sign in with your organisation",
    or: "or with an API key",
    key: "API key",
    keyHint: "It begins with sf_. An administrator gives you one.",
    keyRefused: "This key is not valid, or not valid any more.",
    signIn: "Sign in",
    signingIn: "Signing in…",
    unreachable: "The server does not answer. Try again.",
    signedInAs: (name: string) => `Signed in as ${name}`,
    signOut: "Sign out",
    signOutEverywhere: "Sign out everywhere",
  },
  zh: {
    title: "登录",
    intro: "此 Stagefold 需要确认您的身份。",
    provider: "使用组织账号登录",
    or: "或使用 API 密钥",
    key: "API 密钥",
    keyHint: "以 sf_ 开头，由管理员提供。",
    keyRefused: "此密钥无效或已失效。",
    signIn: "登录",
    signingIn: "正在登录…",
    unreachable: "服务器没有响应，请重试。",
    signedInAs: (name) => `已登录：${name}`,
    signOut: "退出登录",
    signOutEverywhere: "在所有设备上退出",
  },
});
