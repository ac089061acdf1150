// Drafts: a form that is being filled is kept on the server, one saving after the other. What was
// sent without being signed in waits in this tab until its owner has signed in again.
import { csrf, word } from "./words.js";

const WAIT = 1500;
const PREFIX = "form:";

export class Keeper {
  constructor(form) {
    this.form = form;
    this.line = form.querySelector("[data-kept]");
    this.turn = form.dataset.turn;
    this.writer = Array.from(crypto.getRandomValues(new Uint8Array(9)), (n) => n.toString(36)).join("");
    this.step = 0;
    this.stopped = false;
    this.waiting = false;
    document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") this.now(); });
    form.addEventListener("submit", () => { this.stop(); remember(form, this.writer, this.step + 1); });
    addEventListener("pageshow", (event) => { if (event.persisted) this.stopped = false; });
  }

  later() {
    this.waiting = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.now(), WAIT);
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  async now() {
    if (this.stopped || !this.waiting) return;
    this.waiting = false;
    clearTimeout(this.timer);
    const body = new URLSearchParams(new FormData(this.form));
    body.set("_turn", this.turn);
    body.set("_writer", this.writer);
    body.set("_step", String(++this.step));
    try {
      const reply = await keep(this.form, body);
      if (this.stopped) return;
      const answer = await reply.json();
      if (reply.ok) {
        this.turn = answer.turn;
        this.line.textContent = answer.text;
      } else this.refused(reply.status, answer);
    } catch {
      // the next entry tries again
      this.waiting = true;
    }
  }

  refused(status, answer) {
    if (status === 401) {
      this.waiting = true;
      this.line.textContent = word("signedOut");
    } else {
      if (answer.code === "draft.over" || answer.code === "draft.elsewhere") this.stop();
      this.line.textContent = answer.text || "";
    }
  }
}

function keep(form, body) {
  return fetch(form.dataset.draft, { method: "POST", body, keepalive: String(body).length < 60000, headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
}

function keyOf(form) {
  return PREFIX + new URL(form.action, location.href).pathname;
}

function remember(form, writer, step) {
  try {
    const pairs = [...new FormData(form)].filter(([name, value]) => name !== "csrf_token" && typeof value === "string");
    sessionStorage.setItem(keyOf(form), JSON.stringify({ owner: form.dataset.owner, writer, step, pairs }));
  } catch { /* nothing is put back then */ }
}

function forget() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}

// Put back what was sent in vain: it becomes a draft, which is opened. Where nothing was in vain
// (any other page of somebody signed in) it is forgotten.
export async function putBack() {
  try {
    if (!document.querySelector(".shell") || document.querySelector(".sorry")) return;
    const form = document.querySelector("form[data-record][data-fresh]");
    const text = form && sessionStorage.getItem(keyOf(form));
    forget();
    if (!text) return;
    const { owner, writer, step, pairs } = JSON.parse(text);
    if (owner !== form.dataset.owner) return;
    const body = new URLSearchParams(pairs);
    body.set("_writer", writer);
    body.set("_step", String(step));
    const reply = await keep(form, body);
    if (reply.ok) location.replace(`${new URL(form.action, location.href).pathname}?draft=${(await reply.json()).id}`);
  } catch { /* a browser without storage has nothing to put back */ }
}
