// The page carries its translated words as data attributes of <body>.
export function word(name, values = {}) {
  let text = document.body.dataset["t" + name[0].toUpperCase() + name.slice(1)] || "";
  for (const [key, value] of Object.entries(values)) text = text.replace(`{${key}}`, String(value));
  return text;
}

export function csrf() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

// Build an element; text is always text, never markup.
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", new URL(`./icons.svg#${name}`, import.meta.url).href);
  svg.append(use);
  return svg;
}
