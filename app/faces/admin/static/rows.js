// Child rows: add, remove, reorder. Names are "f_visits-<n>-amount"; only their order counts.
import { startCombos } from "./combobox.js";

function renumber(box) {
  const prefix = box.dataset.rows;
  const rows = [...box.querySelectorAll("tbody > [data-row]")];
  rows.forEach((row, at) => {
    for (const node of row.querySelectorAll("[name], [id], [for], [aria-describedby], [data-said], [data-name]")) {
      for (const name of ["name", "id", "for", "aria-describedby", "data-name"]) {
        const value = node.getAttribute(name);
        if (value) node.setAttribute(name, value.replaceAll(new RegExp(`${prefix}-(?:\\d+|new)-`, "g"), `${prefix}-${at}-`));
      }
      const said = node.dataset.said;
      if (said) node.dataset.said = said.replace(/^(\/[^/]+)\/(?:\d+|new)\//, `$1/${at}/`);
    }
  });
  const total = box.querySelector("[data-count]");
  if (total) total.textContent = rows.length ? String(rows.length) : "";
}

function changed(box) {
  renumber(box);
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function add(box) {
  const row = box.querySelector(":scope > template").content.firstElementChild.cloneNode(true);
  box.querySelector("tbody").append(row);
  changed(box);
  startCombos(row);
  row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
}

function act(box, event) {
  if (event.target.closest("[data-add]")) return add(box);
  const row = event.target.closest("[data-row]");
  if (!row) return undefined;
  if (event.target.closest("[data-remove]")) {
    const next = row.nextElementSibling || row.previousElementSibling;
    row.remove();
    changed(box);
    (next?.querySelector("[data-remove]") || box.querySelector("[data-add]")).focus();
  } else if (event.target.closest("[data-up]") && row.previousElementSibling) {
    row.previousElementSibling.before(row);
    changed(box);
    row.querySelector("[data-up]").focus();
  } else if (event.target.closest("[data-down]") && row.nextElementSibling) {
    row.nextElementSibling.after(row);
    changed(box);
    row.querySelector("[data-down]").focus();
  }
  return undefined;
}

export function startRows(root) {
  for (const box of root.querySelectorAll("[data-rows]")) {
    renumber(box);
    box.addEventListener("click", (event) => act(box, event));
  }
}
