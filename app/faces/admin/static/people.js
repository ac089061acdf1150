// Picking several people or units: each choice becomes a tag with a hidden value.
import { icon, make, word } from "./words.js";

function start(box) {
  const hidden = box.querySelector('.combo input[type="hidden"]');
  const input = box.querySelector('.combo input[type="text"]');
  const chosen = box.querySelector("[data-chosen]");
  hidden.addEventListener("change", () => {
    if (!hidden.value) return;
    const value = hidden.value;
    if (![...chosen.querySelectorAll("input")].some((one) => one.value === value)) {
      const remove = make("button", { type: "button", class: "tag-x", "aria-label": word("remove") }, icon("x"));
      const tag = make("span", { class: "tag tag-accent" }, make("input", { type: "hidden", name: box.dataset.name, value }), input.value, remove);
      remove.addEventListener("click", () => { tag.remove(); input.focus(); });
      chosen.append(tag);
    }
    box.querySelector(".combo-clear").click();
  });
}

// An @ in the text leads to the names.
function startAt(text) {
  const target = document.getElementById(text.dataset.at);
  text.addEventListener("input", (event) => {
    if (event.data !== "@" || !target) return;
    text.value = text.value.slice(0, text.selectionStart - 1) + text.value.slice(text.selectionStart);
    target.focus();
    target.click();
  });
}

export function startPeople(root) {
  for (const box of root.querySelectorAll("[data-people]")) start(box);
  for (const text of root.querySelectorAll("[data-at]")) startAt(text);
}
