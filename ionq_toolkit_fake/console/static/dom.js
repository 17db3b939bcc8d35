// Elements without markup: every text becomes a text node.
const SVG = "http://www.w3.org/2000/svg";

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
    else if (name === "value" || name === "checked" || name === "selected") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);
export const s = (tag, props, ...children) => fill(document.createElementNS(SVG, tag), props, children);
export const $ = (id) => document.getElementById(id);

// Replace the content of a node. The element with the focus keeps it, if its data-key is there again.
export function put(node, ...children) {
  const active = document.activeElement;
  const key = node.contains(active) ? active.dataset?.key : null;
  const at = active?.selectionStart;
  node.replaceChildren(...children.flat(3).filter(Boolean));
  if (!key) return;
  const again = node.querySelector(`[data-key="${CSS.escape(key)}"]`);
  again?.focus({ preventScroll: true });
  if (at !== undefined && at !== null && again?.setSelectionRange) again.setSelectionRange(at, at);
}

export function say(text) { $("said").textContent = text; }

let hiding;
export function toast(text, bad = false) {
  const node = $("toast");
  node.textContent = text;
  node.className = bad ? "toast bad" : "toast";
  node.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { node.hidden = true; }, bad ? 8000 : 2500);
}

export const number = (value) => value.toLocaleString("en-US");
export const money = (value) => (value === null || value === undefined ? "–" : `$${value.toFixed(2)}`);
export const percent = (p) => (p >= 0.0995 ? `${(100 * p).toFixed(1)} %` : p >= 0.0001 ? `${(100 * p).toPrecision(2)} %` : `${(100 * p).toExponential(1)} %`);
export const moment = (iso) => (iso ? iso.replace("T", " ").replace(/\.\d+Z$/, "") : "–");

export function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;
  if (ms < 3600000) return `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`;
  return `${Math.floor(ms / 3600000)} h ${Math.round((ms % 3600000) / 60000)} min`;
}

// At most one call in so many milliseconds, the last one included.
export function throttled(fn, ms) {
  let timer = null, last = 0;
  return () => {
    if (timer) return;
    timer = setTimeout(() => { timer = null; last = Date.now(); fn(); }, Math.max(0, last + ms - Date.now()));
  };
}
