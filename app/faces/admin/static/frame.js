// Sidebar, drawer, menus, messages.
const root = document.documentElement;
const small = matchMedia("(max-width: 820px)");

function toggleSide() {
  if (small.matches) {
    openDrawer(!root.classList.contains("side-on"));
    return;
  }
  const off = root.classList.toggle("side-off");
  try {
    localStorage.setItem("side", off ? "off" : "on");
  } catch { /* not remembered */ }
}

function openDrawer(open) {
  root.classList.toggle("side-on", open);
  const target = open ? document.querySelector("#side a") : document.querySelector('[data-drawer="toggle"]');
  target?.focus();
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.drop[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

function keepInside(menu) {
  const box = menu.querySelector(".drop-box");
  if (!box || small.matches) return;
  menu.classList.toggle("drop-left", menu.getBoundingClientRect().left + box.offsetWidth < innerWidth - 12);
}

function startMenuFilter() {
  const input = document.querySelector("[data-menu-find]");
  if (!input) return;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const group of document.querySelectorAll(".side-group")) {
      let any = false;
      for (const item of group.querySelectorAll("a.item")) {
        item.hidden = wanted !== "" && !item.textContent.toLowerCase().includes(wanted);
        any ||= !item.hidden;
      }
      group.hidden = !any;
      if (wanted) group.open = true;
    }
  });
}

export function startFrame() {
  for (const button of document.querySelectorAll('[data-drawer="toggle"]')) button.addEventListener("click", toggleSide);
  document.querySelector('[data-drawer="close"]')?.addEventListener("click", () => openDrawer(false));
  document.addEventListener("click", (event) => closeMenus(event.target));
  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.("details.drop") && event.target.open) {
      keepInside(event.target);
      if (event.target.matches(".chip")) event.target.querySelector("fieldset input:not([type=hidden])")?.focus();
    }
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (root.classList.contains("side-on")) openDrawer(false);
    const open = document.querySelector("details.drop[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  });
  document.addEventListener("click", (event) => event.target.closest("[data-dismiss]")?.closest("[data-toast]").remove());
  for (const toast of document.querySelectorAll("[data-toast].note-good")) setTimeout(() => toast.remove(), 8000);
  document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest" });
  document.querySelector("[data-focus]")?.focus();
  startMenuFilter();
}
