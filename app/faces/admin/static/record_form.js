// The record's form: asked again while typing, saved with Ctrl+S, sent once, left with a warning.
import { Keeper } from "./drafts.js";
import { csrf, make, word } from "./words.js";

const WAIT = 450;

class RecordForm {
  constructor(form) {
    this.form = form;
    this.live = form.querySelector("[data-live]");
    this.touched = new Set();
    this.turn = 0;
    this.dirty = false;
    this.sent = false;
    this.keeper = new Keeper(form);
    for (const said of form.querySelectorAll("[data-said]")) if (said.children.length) this.touched.add(said.dataset.said);
    form.addEventListener("input", (event) => this.changed(event));
    form.addEventListener("change", (event) => this.changed(event));
    form.addEventListener("submit", (event) => this.submit(event));
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("beforeunload", (event) => { if (this.dirty && !this.sent) event.preventDefault(); });
    addEventListener("pageshow", (event) => { if (event.persisted) this.again(); });
  }

  changed(event) {
    const field = event.target.closest("[data-field]");
    // what is typed to search is not an entry yet
    if (!field || event.target.getAttribute("role") === "combobox") return;
    this.dirty = true;
    this.keeper.later();
    this.touched.add(`/${field.dataset.field}`);
    const cell = event.target.closest("td")?.querySelector("[data-said]");
    if (cell) this.touched.add(cell.dataset.said);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), WAIT);
  }

  async check() {
    const turn = ++this.turn;
    this.live.textContent = word("checking");
    try {
      const body = new URLSearchParams(new FormData(this.form));
      const reply = await fetch(this.form.dataset.check, { method: "POST", body, headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
      if (!reply.ok) throw new Error(String(reply.status));
      const answer = await reply.json();
      if (turn === this.turn) this.apply(answer);
    } catch {
      if (turn === this.turn) this.live.textContent = word("failed");
    }
  }

  apply(answer) {
    for (const field of this.form.querySelectorAll("[data-field]")) {
      const name = field.dataset.field;
      if (name in answer.visible) field.hidden = !answer.visible[name];
      if (name in answer.editable) this.lock(field, !answer.editable[name]);
      if (name in answer.computed) this.give(field, answer.computed[name]);
    }
    for (const said of this.form.querySelectorAll("[data-said]")) this.say(said, answer.errors[said.dataset.said] || []);
    for (const line of this.form.querySelectorAll("[data-warned]")) line.textContent = (answer.warnings[line.dataset.warned] || []).join(" ");
    for (const fold of this.form.querySelectorAll("[data-derived]")) this.glance(fold);
    const count = Object.keys(answer.errors).length;
    if (answer.revision && String(answer.revision) !== this.form.elements._revision.value) this.live.textContent = word("newer");
    else this.live.textContent = count ? word("wrong", { count }) : word("checked");
  }

  lock(field, locked) {
    for (const input of field.querySelectorAll("input:not([type=hidden]), textarea")) input.readOnly = locked;
    for (const select of field.querySelectorAll("select")) select.classList.toggle("stale", locked);
  }

  give(field, text) {
    const output = field.querySelector("[data-given]");
    if (!output || output.textContent === text) return;
    output.textContent = text;
    output.classList.remove("moved");
    requestAnimationFrame(() => output.classList.add("moved"));
  }

  // The folded line says what came out; what is wrong or unusual in it is not left folded.
  glance(fold) {
    const fields = [...fold.querySelectorAll("[data-field]:not([hidden])")];
    const texts = [];
    for (const field of fields) {
      const value = field.querySelector("[data-given]").textContent;
      if (value) texts.push(`${field.querySelector("dt").textContent} ${value} ${field.querySelector(".unit")?.textContent || ""}`.trim());
      if (field.querySelector("[data-warned]").textContent) fold.open = true;
    }
    fold.querySelector("[data-glance]").textContent = texts.join(" · ");
    fold.hidden = fields.length === 0;
    const only = fold.closest("[data-only]");
    if (only) only.hidden = fold.hidden;
  }

  // A link of the summary leads into what is folded: not every browser unfolds it by itself.
  static unfold(event) {
    const target = document.getElementById(event.target.closest('a[href^="#"]')?.hash.slice(1) || "");
    const fold = target?.closest("details");
    if (fold) fold.open = true;
  }

  // Only what a person has already been at is complained about while typing.
  say(said, texts) {
    const shown = this.touched.has(said.dataset.said) ? texts : [];
    said.replaceChildren(...shown.map((text) => make("li", {}, text)));
    const box = said.closest("td") || said.closest("[data-field]");
    box.classList.toggle("bad", shown.length > 0);
    for (const input of box.querySelectorAll("input:not([type=hidden]), select, textarea")) {
      if (shown.length) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
  }

  submit(event) {
    if (this.sent) {
      event.preventDefault();
      return;
    }
    this.sent = true;
    setTimeout(() => { for (const button of this.form.querySelectorAll("button[type=submit]")) button.disabled = true; }, 0);
  }

  again() {
    this.sent = false;
    for (const button of this.form.querySelectorAll("button[type=submit]")) button.disabled = false;
  }

  key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    this.form.requestSubmit(this.form.querySelector("[data-save]"));
  }
}

export function startRecordForm(root) {
  for (const form of root.querySelectorAll("form[data-record]")) {
    new RecordForm(form);
    root.addEventListener("click", RecordForm.unfold);
  }
}
