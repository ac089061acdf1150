// Attachments: each file is sent when it is chosen; the form then only carries its number.
import { csrf, icon, make, word } from "./words.js";

function line(name, ...rest) {
  return make("div", { class: "file" }, icon("clip"), make("span", { class: "name" }, name), ...rest);
}

function failed(box, name, text) {
  const close = make("button", { class: "btn btn-plain btn-small btn-icon", type: "button", "data-remove": true, "aria-label": word("close") }, icon("x"));
  const item = line(name, make("span", { class: "said", role: "alert" }, text), close);
  box.lastElementChild.before(item);
}

function arrived(box, file, answer) {
  if (!("many" in box.dataset)) for (const old of box.querySelectorAll(".file")) old.remove();
  const item = make("div", { class: "file" }, icon("clip"),
    make("input", { type: "hidden", name: box.dataset.name, value: answer.id }),
    make("a", { href: answer.url }, answer.name),
    make("span", { class: "muted" }, answer.size),
    make("button", { class: "btn btn-plain btn-small btn-icon", type: "button", "data-remove": true, "aria-label": word("remove") }, icon("x")));
  box.lastElementChild.before(item);
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

async function send(box, file) {
  const bar = line(file.name, make("progress", {}), make("span", { class: "muted", role: "status" }, word("sending")));
  box.lastElementChild.before(bar);
  const body = new FormData();
  body.append("file", file);
  try {
    const reply = await fetch(box.dataset.url, { method: "POST", body, headers: { "X-CSRFToken": csrf(), Accept: "application/json" } });
    const answer = await reply.json();
    bar.remove();
    if (reply.ok) arrived(box, file, answer);
    else failed(box, file.name, answer.text || word("failed"));
  } catch {
    bar.remove();
    failed(box, file.name, word("failed"));
  }
}

export function startFiles(root) {
  for (const box of root.querySelectorAll("[data-files]")) {
    const input = box.querySelector('input[type="file"]');
    input.addEventListener("change", async (event) => {
      event.stopPropagation();
      const chosen = [...input.files];
      input.value = "";
      for (const file of chosen) await send(box, file);
    });
    box.addEventListener("click", (event) => {
      if (!event.target.closest("[data-remove]")) return;
      event.target.closest(".file").remove();
      box.dispatchEvent(new Event("change", { bubbles: true }));
      input.focus();
    });
  }
}
