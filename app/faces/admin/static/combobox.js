// Reference picker: an ARIA combobox that asks the server and never holds the whole register.
import { icon, make, word } from "./words.js";

const WAIT = 180;
let count = 0;

class Combo {
  constructor(box) {
    this.hidden = box.querySelector('input[type="hidden"]');
    this.input = box.querySelector('input[type="text"]');
    this.url = box.dataset.url;
    this.label = this.input.value;
    this.active = -1;
    this.asked = 0;
    this.list = make("ul", { class: "combo-list", role: "listbox", id: `combo-${++count}`, hidden: true });
    this.clear = make("button", { class: "combo-clear", type: "button", tabindex: "-1", "aria-label": word("remove") }, icon("x"));
    box.append(this.clear, this.list);
    this.prepare();
    this.listen(box);
  }

  prepare() {
    const set = { role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id, autocomplete: "off", spellcheck: "false" };
    for (const [name, value] of Object.entries(set)) this.input.setAttribute(name, value);
    this.clear.hidden = !this.hidden.value;
  }

  listen(box) {
    this.input.addEventListener("input", () => this.later());
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => { if (this.list.hidden) this.ask(""); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.clear.addEventListener("click", () => { this.choose("", ""); this.input.focus(); });
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[data-id]");
      if (option) this.choose(option.dataset.id, option.textContent);
    });
    box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) this.leave(); });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(this.input.value), WAIT);
  }

  async ask(text) {
    const turn = ++this.asked;
    this.show([make("li", { class: "hint" }, word("searching"))]);
    try {
      const answer = await fetch(this.address(text), { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = (await answer.json()).results;
      if (turn === this.asked) this.show(this.options(found));
    } catch {
      if (turn === this.asked) this.show([make("li", { class: "hint", role: "alert" }, word("failed"))]);
    }
  }

  address(text) {
    const address = new URL(this.url, location.href);
    address.searchParams.set("q", text);
    return address;
  }

  options(found) {
    if (!found.length) return [make("li", { class: "hint" }, word("none"))];
    return found.map((item, at) => make("li", { role: "option", id: `${this.list.id}-${at}`, "data-id": item.id, "aria-selected": "false" }, item.label));
  }

  show(items) {
    this.list.replaceChildren(...items);
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.mark(-1);
  }

  close() {
    this.asked += 1;
    clearTimeout(this.timer);
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  mark(at) {
    const options = [...this.list.querySelectorAll("[role=option]")];
    this.active = options.length ? Math.max(-1, Math.min(at, options.length - 1)) : -1;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === this.active)));
    const chosen = options[this.active];
    if (!chosen) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.ask("");
      else this.mark(this.active + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && !this.list.hidden) {
      event.preventDefault();
      const option = this.list.querySelectorAll("[role=option]")[this.active];
      if (option) this.choose(option.dataset.id, option.textContent);
    } else if (event.key === "Escape" && !this.list.hidden) {
      event.stopPropagation();
      this.leave();
    }
  }

  choose(id, label) {
    this.hidden.value = id;
    this.label = label;
    this.input.value = label;
    this.clear.hidden = !id;
    this.close();
    this.hidden.dispatchEvent(new Event("change", { bubbles: true }));
  }

  leave() {
    if (this.input.value.trim() === "" && this.hidden.value) this.choose("", "");
    this.input.value = this.label;
    this.close();
  }
}

export function startCombos(root) {
  for (const box of root.querySelectorAll("[data-combo]")) {
    if (box.closest("template")) continue;
    new Combo(box);
    box.removeAttribute("data-combo");
  }
}
