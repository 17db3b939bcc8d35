// Parts that several views have: badges, tabs, code with a copy button, actions with their line of Python.
import { call } from "./api.js";
import { h, say, toast } from "./dom.js";

export const badge = (status) => h("span", { class: `badge ${/^[a-z]+$/.test(status) ? status : ""}` }, status);

export const heading = (text, ...more) => h("div", { class: "heading" }, h("h2", {}, text), ...more);

export const section = (text, ...content) => h("section", { "aria-label": text }, heading(text), ...content);

export const pairs = (rows) => h("dl", { class: "pairs" }, rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));

export function select(key, options, value, onchange, label) {
  return h("select", { "data-key": key, "aria-label": label, onchange },
    options.map((one) => { const [v, text] = Array.isArray(one) ? one : [one, one]; return h("option", { value: v, selected: v === value }, text); }));
}

export function labelled(text, field) { return h("label", { class: "field" }, h("span", {}, text), field); }

export function copyButton(text, label = "Copy") {
  return h("button", { class: "small", "data-key": `copy ${label}`, onclick: async () => {
    const value = typeof text === "function" ? text() : text;
    try { await navigator.clipboard.writeText(value); } catch {
      const area = h("textarea", { class: "unseen" }, value);  // plain HTTP from another computer
      document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
    }
    toast("Copied"); say("Copied");
  } }, label);
}

export const code = (text, label, marked) => h("pre", { tabindex: 0, "aria-label": `Text: ${label}`, role: "region" }, h("code", {}, marked ?? text));

export const pretty = (text) => { try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; } };

// Tabs by name. `state` keeps the chosen one when the view is built again.
export function tabs(label, entries, state) {
  const panel = h("div", { role: "tabpanel", tabindex: 0, "aria-label": label });
  const list = h("div", { role: "tablist", "aria-label": label, class: "tabs" });
  const names = Object.keys(entries);
  const show = (name, focus) => {
    state.tab = name;
    list.replaceChildren(...names.map((one) => h("button", {
      role: "tab", "aria-selected": String(one === name), tabindex: one === name ? 0 : -1, "data-key": `tab ${label} ${one}`,
      onclick: () => show(one, true),
      onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) { event.preventDefault(); show(names[(names.indexOf(one) + step + names.length) % names.length], true); }
      },
    }, one)));
    panel.replaceChildren(entries[name]());
    if (focus) list.querySelector("[aria-selected=true]").focus();
  };
  show(names.includes(state.tab) ? state.tab : names[0]);
  return h("div", {}, list, panel);
}

export function copies(found, state) {
  const entries = Object.entries(found).map(([name, text]) => [name, () => h("div", { class: "copyable" }, copyButton(text), code(text, name))]);
  return tabs("Copy as", Object.fromEntries(entries), state);
}

// The line of Python that does the same as a control, or the reason why the control is not valid.
export class Line {
  constructor() {
    this.text = "";
    this.code = h("code", { tabindex: 0 });
    this.node = h("div", { class: "line" }, h("span", { class: "hint" }, "Python"), this.code, copyButton(() => this.text, "Copy line"));
  }
  async show(control, body) {
    const asked = (this.asked = JSON.stringify([control, body]));
    try {
      const { line, problem } = await call("POST", "/_console/line", { control, body });
      this.set(line ?? problem, line === undefined, asked);
    } catch (error) { this.set(error.message, true, asked); }
  }
  set(text, bad, asked) {
    if (asked !== this.asked) return;
    this.text = text;
    this.code.textContent = text;
    this.node.classList.toggle("bad", bad);
  }
}

// A button that sends a control, and shows its line when it is pointed at or has the focus.
export function action(line, text, control, body, { kind = "", after, key = text, confirm: question } = {}) {
  const show = () => line?.show(control, body());
  return h("button", { class: kind, "data-key": `action ${key}`, onmouseenter: show, onfocus: show, onclick: async () => {
    if (question && !(await ask(question))) return;
    const [method, path] = control.split(" ");
    try { await call(method, path, body()); toast(`${text}: done`); after?.(); } catch (error) { toast(error.message, true); }
  } }, text);
}

export function ask(question) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-label": question, onclose: () => { resolve(dialog.returnValue === "yes"); dialog.remove(); } },
      h("form", { method: "dialog" }, h("p", {}, question), h("p", { class: "row end" },
        h("button", { value: "no" }, "No"), h("button", { value: "yes", class: "primary" }, "Yes"))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

// A list beside the thing that is open. On a narrow window, one of them.
export function split(title, list, detail) {
  const node = h("div", { class: "split" }, h("h1", { class: "unseen" }, title), h("div", { class: "list" }, list), h("div", { class: "detail", tabindex: -1 }, detail));
  return { node, open: (yes) => node.classList.toggle("open", yes) };
}

export function pager(page, go) {
  const { offset, limit, shown, more, total } = page;
  const last = total === null ? null : Math.max(0, Math.floor((total - 1) / limit) * limit);
  const text = shown ? `${(offset + 1).toLocaleString("en-US")}–${(offset + shown).toLocaleString("en-US")}${total === null ? "" : ` of ${total.toLocaleString("en-US")}`}` : "";
  const button = (label, sign, to, on) => h("button", { class: "small", "aria-label": label, "data-key": label, disabled: !on, onclick: () => go(to) }, sign);
  return h("nav", { class: "pager", "aria-label": "Pages" },
    button("First page", "«", 0, offset > 0), button("Previous page", "‹", Math.max(0, offset - limit), offset > 0),
    h("span", {}, text), button("Next page", "›", offset + limit, more), last !== null && button("Last page", "»", last, more));
}
