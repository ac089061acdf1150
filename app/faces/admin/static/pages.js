// Small things of single pages: tidy addresses, sticky shadow, files into a text box, sending once.
import { make } from "./words.js";

function tidy(form) {
  form.addEventListener("submit", () => {
    for (const input of form.querySelectorAll("input[name], select[name]")) if (input.value === "") input.disabled = true;
  });
  addEventListener("pageshow", () => { for (const input of form.querySelectorAll(":disabled")) input.disabled = false; });
}

function shadow(box) {
  const table = box.querySelector(".rows");
  if (table) box.addEventListener("scroll", () => table.classList.toggle("scrolled", box.scrollLeft > 2), { passive: true });
}

function readInto(input) {
  input.addEventListener("change", async () => {
    const [file] = input.files;
    if (!file) return;
    document.getElementById(input.dataset.into).value = await file.text();
    input.value = "";
  });
}

function reveal(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) });
    if (!answer.ok) return form.submit();
    form.querySelector("[data-revealed]").textContent = await answer.text();
    form.querySelector("button").remove();
    return undefined;
  });
}

function once(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    const button = event.submitter;
    if (button?.name) form.append(make("input", { type: "hidden", name: button.name, value: button.value }));
    return setTimeout(() => { for (const other of form.querySelectorAll("button")) other.disabled = true; }, 0);
  });
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    delete form.dataset.sent;
    for (const other of form.querySelectorAll("button")) other.disabled = false;
  });
}

function tabs(area) {
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.isComposing) return;
    const line = area.value.slice(area.value.lastIndexOf("\n", area.selectionStart - 1) + 1, area.selectionStart);
    const indent = line.match(/^\s*/)[0];
    if (!indent) return;
    event.preventDefault();
    area.setRangeText(`\n${indent}`, area.selectionStart, area.selectionEnd, "end");
  });
}

export function startPages(root) {
  for (const form of root.querySelectorAll("[data-tidy]")) tidy(form);
  for (const box of root.querySelectorAll("[data-scroll]")) shadow(box);
  for (const input of root.querySelectorAll("[data-into]")) readInto(input);
  for (const form of root.querySelectorAll("[data-once]")) once(form);
  for (const form of root.querySelectorAll("[data-reveal]")) reveal(form);
  for (const area of root.querySelectorAll("[data-editor]")) tabs(area);
}
