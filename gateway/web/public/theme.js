// Runs before the first paint, so that a stored theme does not flash. Storage may be forbidden; then the system decides.
try {
  const theme = localStorage.getItem("triflow.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {}
