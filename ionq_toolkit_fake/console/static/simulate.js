// Buttons for all that a cloud can simulate: clock, scenarios, faults, transitions. All lists are the server's.
import { get } from "./api.js";
import { h, moment, number, put, throttled } from "./dom.js";
import { action, heading, labelled, Line, select } from "./parts.js";

const value = (text) => { const t = text.trim(); return t === "" ? undefined : t === "true" ? true : t === "false" ? false : Number.isNaN(Number(t)) ? t : Number(t); };
const clean = (object) => Object.fromEntries(Object.entries(object).filter(([, v]) => v !== undefined));
const field = (label, node) => labelled(label, node);

export function simulate(app) {
  const { catalogue } = app, active = h("div", {}), clock = h("div", {});
  const load = async () => { try { rules(await get("/_console/rules", app.signal)); } catch (error) { app.failed(error, active); } };
  const reload = throttled(load, 300);

  function rules(found) {
    const line = new Line(), [base, ...others] = found.transitions;
    line.show("DELETE /_fake/faults", {});
    put(active, heading("In force", h("div", { class: "row tools" }, action(line, "Remove faults", "DELETE /_fake/faults", () => ({}), { after: reload }), action(line, "Remove transitions", "DELETE /_fake/transitions", () => ({}), { after: reload }),
      action(line, "Reset the cloud", "POST /_fake/reset", () => ({}), { kind: "danger", after: reload, confirm: "Reset the cloud? All jobs, sessions, requests and rules are removed." }))),
    h("ul", { class: "plain rules" },
      found.rules.map(({ number: n, fault, reached, fired, ...rest }) => h("li", { class: rest.times && fired >= rest.times ? "spent" : "" }, h("span", { class: "badge failed" }, `fault ${n}`), " ", h("b", {}, fault), " ", h("span", { class: "mono" }, words(rest)), h("span", { class: "hint" }, ` fired ${number(fired)} of ${number(reached)} `), action(line, "Remove", `DELETE /_fake/faults/${n}`, () => ({}), { kind: "small", key: `remove ${n}`, after: reload }))),
      others.map((one) => h("li", {}, h("span", { class: "badge started" }, "transition"), " ", h("span", { class: "mono" }, words(one)))),
      h("li", {}, h("span", { class: "badge" }, "all other jobs"), " ", h("span", { class: "mono" }, words(base)))), line.node);
  }

  function drawClock() {
    const line = new Line(), now = app.last?.clock, seconds = h("input", { type: "number", min: 0, value: "60", "aria-label": "Seconds", oninput: () => line.show("POST /_fake/clock", { seconds: Number(seconds.value) }) });
    const move = (text, count) => action(line, text, "POST /_fake/clock", () => ({ seconds: count() }));
    const on = catalogue.virtual;
    put(clock, heading("Clock"), h("p", { class: "big mono" }, now ? `${moment(now.now)} UTC` : ""),
      on ? [h("div", { class: "row" }, move("+1 s", () => 1), move("+1 min", () => 60), move("+1 h", () => 3600), move("+1 day", () => 86400), seconds, move("Move by seconds", () => Number(seconds.value))), line.node]
        : h("p", { class: "hint" }, "The clock is this computer's. ", h("code", {}, "ionq-fake serve --clock virtual"), " has one that you can move."));
    if (on) line.show("POST /_fake/clock", { seconds: 60 });
  }

  const node = h("div", { class: "page" }, h("h1", {}, "Simulate"),
    h("div", { class: "grid" }, h("section", { class: "card", "aria-label": "Clock" }, clock), scenarios(catalogue, reload)), h("section", { class: "card", "aria-label": "In force" }, active),
    faults(catalogue, reload), transitions(catalogue, reload));
  return {
    node, update() { drawClock(); load(); }, key: () => false,
    changed(data) {
      if (data.reload || data.kinds?.some((one) => one !== "job")) reload();
      const big = clock.querySelector(".big");
      if (big && data.clock) big.textContent = `${moment(data.clock.now)} UTC`;
    },
  };
}

const words = (rule) => Object.entries(rule).map(([k, v]) => `${k} ${typeof v === "object" && v !== null ? (Array.isArray(v) ? v.join(", ") : `{${words(v)}}`) : v}`).join(" · ");

function scenarios(catalogue, reload) {
  const line = new Line(), control = "POST /_console/scenario";
  line.show(control, { scenario: catalogue.scenarios[0].name });
  return h("section", { class: "card", "aria-label": "Scenarios" }, heading("Scenarios"),
    h("div", { class: "choices" }, catalogue.scenarios.map((one) => {
      const button = action(line, one.name, control, () => ({ scenario: one.name }), { after: reload });
      button.append(h("small", {}, one.description));
      return button;
    })), line.node);
}

function faults(catalogue, reload) {
  const line = new Line(), form = h("div", { class: "form" }), list = h("div", { class: "choices", role: "radiogroup", "aria-label": "Fault" });
  let chosen = catalogue.faults[0], inputs = {};
  const body = () => ({ fault: chosen.fault, ...clean(Object.fromEntries(Object.entries(inputs).map(([name, node]) => [name, value(node.value)]))) });
  const show = throttled(() => line.show("POST /_fake/faults", body()), 150);

  function choose(one) {
    chosen = one;
    const input = (name, initial, more = {}) => (inputs[name] = h("input", { type: "text", value: initial ?? "", oninput: show, "data-key": name, ...more }));
    inputs = {};
    const own = one.parameters.map((p) => field(p.name, p.name === "status" && one.fault === "http"
      ? (inputs.status = select("status", catalogue.http.map((s) => [String(s.status), `${s.status} ${s.title}`]), String(p.value ?? ""), show, "Status"))
      : input(p.name, p.value === null || p.value === undefined ? "" : String(p.value), { placeholder: p.default === null ? "" : String(p.default) })));
    const list = h("datalist", { id: "operations" }, catalogue.operations.map((name) => h("option", { value: name })));
    put(form, h("p", {}, one.summary, h("span", { class: "hint" }, ` A client sees: ${one.on_socket}.`)), h("div", { class: "row fields" }, own, field("on", input("on", one.on, { list: "operations" })), field("times", input("times", "1", { placeholder: "all" })),
      field("skip", input("skip", "", { placeholder: "0" })), field("probability", input("probability", "", { placeholder: "1" }))), list,
    h("div", { class: "row" }, action(line, "Inject the fault", "POST /_fake/faults", body, { kind: "primary", after: reload })), line.node);
    for (const button of list_()) button.setAttribute("aria-checked", String(button.dataset.fault === one.fault));
    show();
  }
  const list_ = () => [...list.children];
  put(list, catalogue.faults.map((one, n) => h("button", { role: "radio", "aria-checked": "false", "data-fault": one.fault, "data-key": `fault ${one.fault}`, onclick: () => choose(one),
    onkeydown: (event) => { const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key]; if (step) { event.preventDefault(); const all = list_(); const next = all[(n + step + all.length) % all.length]; next.focus(); next.click(); } } },
  one.fault, h("small", {}, one.summary))));
  choose(chosen);
  return h("section", { class: "card", "aria-label": "Faults" }, heading("Faults of requests"), list, form);
}

function transitions(catalogue, reload) {
  const line = new Line(), inputs = {};
  const refresh = throttled(() => line.show("POST /_fake/transitions", body()), 150);
  const step = (name) => {
    const kind = select(name, [["", "as for all jobs"], ...catalogue.step_kinds.map((k) => [k, { polls: "after polls", seconds: "after seconds" }[k] ?? k])], "", () => { amount.hidden = amount.disabled = !["polls", "seconds"].includes(kind.value); refresh(); }, `${name}: when`);
    const amount = h("input", { type: "number", min: 0, value: "2", disabled: true, "aria-label": `${name}: how many`, hidden: true, oninput: refresh });
    inputs[name] = () => (kind.value === "" ? undefined : amount.disabled ? kind.value : { [kind.value]: Number(amount.value) });
    return h("div", { class: "field" }, h("span", {}, name), kind, amount);
  };
  const endings = [["", "as for all jobs"], ...catalogue.final.map((s) => [s, s]).filter(([s]) => s !== "failed"), ...catalogue.failures.map((f) => [`failed ${f.code}`, `failed: ${f.code}`])];
  const end = select("end", endings, "failed QuantumComputerError", refresh, "End");
  inputs.end = () => (end.value === "" ? undefined : end.value.startsWith("failed ") ? { code: end.value.slice(7) } : end.value);
  const backend = select("match", [["", "every backend"], ...catalogue.backends.map((b) => b.name)], "", refresh, "Backend");
  const name = h("input", { type: "text", placeholder: "any", oninput: refresh }), nth = h("input", { type: "number", min: 1, placeholder: "every", oninput: refresh });
  const body = () => {
    const match = clean({ backend: backend.value || undefined, name: name.value || undefined, nth: nth.value ? Number(nth.value) : undefined });
    return clean({ ...Object.fromEntries(Object.entries(inputs).map(([k, read]) => [k, read()])), match: Object.keys(match).length ? match : undefined });
  };
  const steps = catalogue.steps.map(step);
  refresh();
  const quick = new Line(), once = (code_) => ({ end: { code: code_ }, match: { nth: 1 } });
  quick.show("POST /_fake/transitions", once(catalogue.failures[0].code));
  return h("section", { class: "card", "aria-label": "Transitions" }, heading("Transitions of new jobs"),
    h("div", { class: "row fields" }, steps, field("end", end), field("backend", backend), field("name", name), field("nth", nth)),
    h("div", { class: "row" }, action(line, "Set the transitions", "POST /_fake/transitions", body, { kind: "primary", after: reload })), line.node,
    h("h3", {}, "Let the next job fail"), h("div", { class: "choices codes" }, catalogue.failures.map((one) => action(quick, one.code, "POST /_fake/transitions", () => once(one.code), { after: reload }))), quick.node);
}
