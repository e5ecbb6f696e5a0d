// Runs before the first paint: the chosen look and language, so that nothing flashes.
(() => {
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
