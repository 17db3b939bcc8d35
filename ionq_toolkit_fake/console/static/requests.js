// The requests of clients, and the one that is open, with its bodies.
import { get } from "./api.js";
import { h, number, put, throttled } from "./dom.js";
import { code, copies, copyButton, heading, pager, pairs, pretty, section, split } from "./parts.js";

const LIMIT = 100;
const kind = (status) => (status === null || status >= 500 ? "failed" : status >= 400 ? "ready" : "completed");

export function requests(app) {
  let params = {}, page = null, shown = null, selected = 0;
  const state = {}, table = h("div", {}), detail = h("article", { "aria-label": "Request" });
  const go = (change) => app.go("requests", { ...params, offset: undefined, ...change });
  const search = h("input", { type: "search", id: "search", placeholder: "Search method, path, status, fault", "aria-label": "Search requests", oninput: throttled(() => go({ text: search.value || undefined, id: undefined }), 200) });
  const view = split("Requests", h("div", {}, h("div", { class: "filters", role: "search" }, search), table), detail);

  const load = async () => {
    const query = new URLSearchParams({ offset: params.offset ?? 0, limit: LIMIT, text: params.text ?? "" });
    try { page = await get(`/_console/requests?${query}`, app.signal); draw(); } catch (error) { app.failed(error, table); }
  };
  const reload = throttled(load, 400);

  function draw() {
    const rows = page.requests.map((one, n) => h("tr", { class: one.request_id === params.id ? "chosen" : "", onclick: (event) => { if (!event.target.closest("a")) go({ id: one.request_id, offset: params.offset }); } },
      h("td", { class: "c-status" }, h("span", { class: `badge ${kind(one.status)}` }, one.status ?? "lost")),
      h("td", { class: "c-job" }, h("a", { href: app.href("requests", { ...params, id: one.request_id }), "data-key": `request ${n}`, onfocus: () => { selected = n; } }, h("b", { class: "mono method" }, one.method), " ", h("span", { class: "mono" }, one.path)),
        one.faults.length ? h("span", { class: "why under" }, one.faults.join(", ")) : null),
      h("td", { class: "mono c-time" }, one.at.slice(11, 23))));
    put(table, rows.length ? [h("table", { class: "jobs" }, h("caption", { class: "unseen" }, "Requests, the newest first"),
      h("thead", {}, h("tr", {}, [["Status", "status"], ["Request", "job"], ["Time", "time"]].map(([t, c]) => h("th", { scope: "col", class: `c-${c}` }, t)))), h("tbody", {}, rows)),
    pager({ offset: Number(params.offset ?? 0), limit: LIMIT, shown: rows.length, more: page.more, total: page.total }, (to) => go({ offset: to || undefined }))]
      : h("p", { class: "empty" }, "No requests yet. The console's own are not listed."));
  }

  async function open(id) {
    if (id === shown) return;
    shown = id;
    put(detail);
    if (!id) return;
    try {
      const one = await get(`/_console/requests/${encodeURIComponent(id)}`, app.signal);
      if (id !== shown) return;
      const { bodies } = one;
      const body = (text, size, label) => section(label, size ? h("div", { class: "copyable" }, copyButton(text), code(pretty(text) + (size > new TextEncoder().encode(text).length + 200 ? `\n… ${number(size)} bytes in all` : ""), label)) : h("p", { class: "hint" }, "empty"));
      const found = one.path.match(/\/jobs\/([0-9a-f-]{36})/) ?? (one.status === 201 && bodies?.response.match(/"id":"([0-9a-f-]{36})"/));
      put(detail, h("header", { class: "top" }, h("div", {}, h("h2", { tabindex: -1, class: "name mono" }, `${one.method} ${one.path}`), h("p", { class: "mono hint" }, one.request_id)),
        h("a", { class: "close", href: app.href("requests", { ...params, id: undefined }), "aria-label": "Close the request" }, "✕")),
      pairs([["Status", h("span", { class: `badge ${kind(one.status)}` }, one.status ?? "no response")], ["At", one.at], ["Operation", one.operation ?? "not an operation of the API"], ["Key", one.key_id ? `key ${one.key_id.slice(0, 8)} (the secret is not kept)` : "none"],
        one.faults.length && ["Faults", one.faults.join(", ")], found && ["Job", h("a", { class: "mono", href: app.href("jobs", { id: found[1] }) }, found[1])]]),
      bodies ? [body(bodies.body, bodies.size, "Request body"), body(bodies.response, bodies.response_size, "Response body")] : h("p", { class: "hint" }, "The bodies of the last 500 requests are kept; this one is older."),
      h("section", { "aria-label": "Copy as" }, heading("Copy as"), one.complete ? null : h("p", { class: "hint" }, "The body is not kept whole: the copies have its beginning."), copies(one.copies, state)));
      detail.querySelector("h2").focus({ preventScroll: true });
    } catch (error) { app.failed(error, detail); }
  }

  return {
    node: view.node,
    update(next) {
      params = next;
      if (document.activeElement !== search) search.value = params.text ?? "";
      view.open(Boolean(params.id));
      open(params.id);
      load();
    },
    changed(data) { if (data.reload || data.kinds?.includes("requests")) reload(); },
    key(key) {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[key];
      if (step && page?.requests.length) {
        const links = [...table.querySelectorAll("tbody a")];
        selected = Math.min(links.length - 1, Math.max(0, document.activeElement?.closest?.("tbody") ? selected + step : selected));
        links[selected].focus();
        return true;
      }
      if (key === "Escape" && params.id) { go({ id: undefined }); return true; }
      return false;
    },
  };
}
