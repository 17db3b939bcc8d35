// The console: routes of the page, live changes, keys of the keyboard.
import { Failed, get, listen } from "./api.js";
import { $, h, moment, put, say } from "./dom.js";
import { jobs } from "./jobs.js";

const later = (file, name) => async (app) => (await import(file))[name](app);
const VIEWS = {
  jobs: ["Jobs", jobs], submit: ["Submit", later("./submit.js", "submit")], requests: ["Requests", later("./requests.js", "requests")],
  simulate: ["Simulate", later("./simulate.js", "simulate")], backends: ["Backends", later("./account.js", "backends")], account: ["Account", later("./account.js", "account")],
};

const app = {
  catalogue: null, params: {}, signal: undefined,
  href(view, params = {}) {
    const { id, ...rest } = params;
    const query = new URLSearchParams(Object.entries(rest).filter(([, v]) => v !== undefined && v !== null)).toString();
    return `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}${query ? `?${query}` : ""}`;
  },
  go(view, params) { location.hash = this.href(view, params); },
  summary(found) {
    const { clock } = found;
    put($("clock"), h("span", { class: "hint" }, clock.clock === "virtual" ? "virtual " : ""), `${moment(clock.now)} UTC`);
    app.last = found;
  },
  failed(error, node) {
    if (error.name === "AbortError") return;
    put(node, h("p", { class: "failure", role: "alert" }, error instanceof Failed ? error.message : "The server does not answer. It is asked again when it is back."));
  },
};

let view = null, name = null, controller = null, turn = 0;

async function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const [wanted, id] = path.split("/");
  const next = VIEWS[wanted] ? wanted : "jobs";
  app.params = { ...Object.fromEntries(new URLSearchParams(query ?? "")), ...(id ? { id: decodeURIComponent(id) } : {}) };
  if (next !== name) {
    controller?.abort();
    controller = new AbortController();
    app.signal = controller.signal;
    const mine = (turn += 1);
    name = next;
    if (next !== "jobs") await app.ready;  // jobs ask for their list meanwhile
    const made = await VIEWS[next][1](app);
    if (mine !== turn) return;
    view = made;
    put($("main"), view.node);
    document.title = `${VIEWS[next][0]} · ionq-fake`;
    for (const link of $("nav").children) link.toggleAttribute("aria-current", link.dataset.view === next);
    for (const link of $("nav").querySelectorAll("[aria-current]")) link.setAttribute("aria-current", "page");
  }
  view?.update(app.params);
}

const HELP = [["j, ↓ / k, ↑", "next and previous row"], ["Enter", "open the row"], ["Esc", "close"], ["/", "search"], ["1 – 6", "the views"], ["?", "this list"]];

function help() {
  const dialog = h("dialog", { "aria-label": "Keys", onclose: () => dialog.remove() }, h("form", { method: "dialog" }, h("h2", {}, "Keys"),
    h("dl", { class: "pairs" }, HELP.map(([k, v]) => [h("dt", {}, h("kbd", {}, k)), h("dd", {}, v)])), h("p", { class: "row end" }, h("button", { class: "primary" }, "Close"))));
  document.body.append(dialog);
  dialog.showModal();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.matches("input, textarea, select, [role=tab], .scroll, pre")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const names = Object.keys(VIEWS), place = Number(event.key) - 1;
  if (event.key === "/") $("search")?.focus();
  else if (event.key === "?") help();
  else if (names[place]) app.go(names[place], {});
  else if (!view?.key?.(event.key)) return;
  event.preventDefault();
});

put($("nav"), Object.entries(VIEWS).map(([key, [text]]) => h("a", { href: `#/${key}`, "data-view": key }, text)), h("button", { class: "small quiet", "aria-label": "Keys of the keyboard", onclick: help }, "?"));
addEventListener("hashchange", route);

app.ready = get("/_console/catalogue").then((found) => { app.catalogue = found; });
await route();
listen("/_console/events", (event, data) => {
  if (data.clock) app.summary(data);
  if (event !== "hello") view?.changed?.({ ...data, reload: event === "reload" });
}, (up) => {
  const node = $("live");
  node.textContent = up ? "live" : "no connection";
  node.classList.toggle("up", up);
  if (!up) say("The connection to the server is lost");
});
