// Runs before the page is painted: a closed sidebar must not flash open.
try {
  if (localStorage.getItem("side") === "off") document.documentElement.classList.add("side-off");
} catch { /* a browser without storage keeps the sidebar open */ }
