// Runs before the first paint: the chosen look and language, so that nothing flashes.
(() => {
  // Schemas would be compiled with `eval`, which the page's policy forbids: the library is told before it tries.
  globalThis.__zod_globalConfig = { jitless: true };
  const { documentElement } = document;
  try {
    const theme = localStorage.getItem("stagefold.theme");
    if (theme === "light" || theme === "dark") documentElement.dataset.theme = theme;
    const lang = localStorage.getItem("stagefold.lang");
    if (lang === "en" || lang === "zh") documentElement.lang = lang;
  } catch {
    // A browser that keeps nothing for pages: the system's look and language are used.
  }
})();
