// The list of jobs, and the job that is open.
import { get } from "./api.js";
import { h, moment, money, number, put, say, throttled } from "./dom.js";
import { circuit, highlighted, histogram, timeline } from "./drawing.js";
import { action, badge, code, copies, copyButton, heading, Line, pager, pairs, pretty, section, select, split, tabs } from "./parts.js";

const LIMIT = 50;

export function jobs(app) {
  let params = {}, page = null, known = new Map(), selected = 0, wanted = "";
  const go = (change) => app.go("jobs", { ...params, offset: undefined, ...change });
  const search = h("input", { type: "search", id: "search", placeholder: "Search id, name, metadata, failure", "aria-label": "Search jobs", value: "",
    oninput: throttled(() => go({ text: search.value || undefined, id: undefined }), 200) });
  const filters = h("div", { class: "rest" });
  const table = h("div", {});
  const detail = new Detail(app);
  const view = split("Jobs", h("div", {}, h("div", { class: "filters", role: "search" }, search, filters), table), detail.node);

  const load = async () => {
    const query = new URLSearchParams({ offset: params.offset ?? 0, limit: LIMIT });
    for (const name of ["status", "backend", "text"]) if (params[name]) query.append(name, params[name]);
    const asked = (wanted = query.toString());
    try {
      const found = await get(`/_console/jobs?${asked}`, app.signal);
      await app.ready;
      if (asked !== wanted) return;
      app.summary(found);
      page = found;
      draw();
    } catch (error) { app.failed(error, table); }
  };
  const reload = throttled(load, 300);

  function draw() {
    const { status, backend, text } = params, offset = Number(params.offset ?? 0), counts = page.counts;
    const chip = (name, count) => h("button", { class: `chip ${name ?? ""}`, "data-key": `chip ${name}`, "aria-pressed": String((status ?? null) === name), onclick: () => go({ status: name ?? undefined, id: undefined }) }, name ?? "all", h("span", {}, number(count)));
    put(filters, h("div", { class: "chips", role: "group", "aria-label": "Status" }, chip(null, page.total),
      [...new Set([...app.catalogue.statuses, ...Object.keys(counts)])].filter((name) => counts[name] || app.catalogue.statuses.includes(name)).map((name) => chip(name, counts[name] ?? 0))),
      select("backend", [["", "every backend"], ...app.catalogue.backends.map((one) => one.name)], backend ?? "", (event) => go({ backend: event.target.value || undefined, id: undefined }), "Backend"));
    const before = known;
    known = new Map(page.jobs.map((one) => [one.id, one.status]));
    const rows = page.jobs.map((one, n) => h("tr", {
      class: `${one.id === params.id ? "chosen" : ""} ${before.size && before.get(one.id) !== one.status ? "fresh" : ""}`, onclick: (event) => { if (!event.target.closest("a")) go({ id: one.id, offset: params.offset }); },
    },
    h("td", { class: "c-status" }, badge(one.status), one.held ? h("span", { class: "hint" }, " held") : null),
    h("td", { class: "c-job" }, h("a", { href: app.href("jobs", { ...params, id: one.id }), "data-key": `job ${n}`, "aria-current": one.id === params.id ? "true" : undefined, onfocus: () => { selected = n; } },
      one.name ? h("span", { class: "title" }, one.name) : h("span", { class: "title mono" }, one.id)), one.name ? h("span", { class: "mono hint under" }, one.id) : null,
    one.failure ? h("span", { class: "why under" }, one.failure.code) : null, one.children ? h("span", { class: "hint under" }, `${number(one.children)} circuits`) : null),
    h("td", { class: "c-backend" }, one.backend), h("td", { class: "number c-shots" }, one.shots === null ? "exact" : number(one.shots)),
    h("td", { class: "mono c-time" }, moment(one.submitted_at)), h("td", { class: "c-project" }, one.project), h("td", { class: "number c-cost" }, money(one.cost))));
    const narrowed = Boolean(text || backend), total = narrowed ? null : status ? counts[status] ?? 0 : page.total;
    put(table, page.partial ? h("p", { class: "hint pad" }, "There are more jobs in the state file than a search reads: of the older ones, ids alone were searched. Filter by status or backend for others.") : null, page.jobs.length
      ? [h("table", { class: "jobs" }, h("caption", { class: "unseen" }, "Jobs, the newest first"),
        h("thead", {}, h("tr", {}, [["Status", "status"], ["Job", "job"], ["Backend", "backend"], ["Shots", "shots number"], ["Submitted", "time"], ["Project", "project"], ["Cost", "cost number"]].map(([t, c]) => h("th", { scope: "col", class: `c-${c}` }, t)))),
        h("tbody", {}, rows)),
      pager({ offset, limit: LIMIT, shown: page.jobs.length, more: page.more, total }, (to) => go({ offset: to || undefined, id: params.id }))]
      : status || text || backend || offset ? h("p", { class: "empty" }, "No job passes the filters. ", h("a", { href: "#/jobs" }, "Show all jobs")) : welcome(app));
  }

  return {
    node: view.node,
    update(next) {
      const listed = (p) => JSON.stringify([p.status, p.backend, p.text, p.offset]);
      const same = page && listed(next) === listed(params);
      params = next;
      if (document.activeElement !== search) search.value = params.text ?? "";
      view.open(Boolean(params.id));
      detail.open(params.id);
      if (same) draw(); else load();
    },
    changed(data) {
      if (data.reload || data.kinds?.includes("job")) reload();
      detail.changed(data);
    },
    key(key) {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[key];
      if (step && page?.jobs.length) {
        const links = [...table.querySelectorAll("tbody a")];
        selected = Math.min(links.length - 1, Math.max(0, document.activeElement?.closest?.("tbody") ? selected + step : selected));
        links[selected].focus();
        return true;
      }
      if (key === "Escape" && params.id) { go({ id: undefined, offset: params.offset }); return true; }
      return false;
    },
  };
}

function welcome(app) {
  const url = `${location.origin}/v0.4`;
  const text = `from qiskit_ionq import IonQProvider\n\nprovider = IonQProvider("any key", url="${url}")\nbackend = provider.get_backend("ionq_simulator")`;
  const own = `export IONQ_API_URL=${url}\nexport IONQ_API_KEY=any-key`;
  return h("div", { class: "empty welcome" }, h("h2", {}, "No jobs yet"),
    h("p", {}, "Any IonQ client can send its jobs here. They appear while they run."),
    tabs("Client", { "qiskit-ionq": () => h("div", { class: "copyable" }, copyButton(text), code(text, "qiskit-ionq")), "ionq-toolkit": () => h("div", { class: "copyable" }, copyButton(own), code(own, "ionq-toolkit")) }, {}),
    h("p", {}, "Or ", h("a", { href: "#/submit" }, "submit a circuit by hand"), "."));
}

class Detail {
  constructor(app) {
    this.app = app;
    this.node = h("article", { "aria-label": "Job" });
    this.tabs = { copy: {}, raw: {}, drawing: {} };
    this.plot = { log: false, unit: "counts", top: 16, order: "probability" };
    this.line = new Line();
    this.reload = throttled(() => this.load(), 200);
  }

  open(id) {
    if (id === this.id) return;
    this.id = id;
    this.seen = this.status = null;
    put(this.node);
    if (id) this.load().then(() => this.node.querySelector("h2")?.focus({ preventScroll: true }));
  }

  changed(data) {
    if (!this.id) return;
    const about = [this.id, this.parent, ...(this.children ?? [])];
    if (data.reload || data.jobs?.some((one) => about.includes(one))) this.reload();
  }

  async load() {
    const id = this.id;
    try {
      const job = await get(`/_console/jobs/${encodeURIComponent(id)}`, this.app.signal);
      await this.app.ready;
      if (id !== this.id) return;
      const text = JSON.stringify(job);
      if (text === this.seen) return;
      this.seen = text;
      this.parent = job.parent;
      this.children = job.child_jobs.map((one) => one.id);
      if (this.status && this.status !== job.status) say(`The job is ${job.status}`);
      this.status = job.status;
      this.draw(job);
    } catch (error) { if (id === this.id) this.app.failed(error, this.node); }
  }

  draw(job) {
    const { record } = job, control = `POST /_fake/jobs/${job.id}`;
    const result = h("div", {});
    const close = h("a", { class: "close", href: this.app.href("jobs", { ...this.app.params, id: undefined }), "aria-label": "Close the job" }, "✕");
    put(this.node,
      h("header", { class: "top" }, h("div", {}, h("h2", { tabindex: -1, class: "name" }, job.name ?? "Job", " ", badge(job.status), job.held ? h("span", { class: "badge" }, "held") : null),
        h("p", { class: "mono hint" }, job.id, " ", copyButton(job.id, "Copy id"))), close),
      timeline(job.timeline, job.final),
      job.failure ? h("p", { class: "failure", role: "note" }, h("b", {}, job.failure.code), " ", job.failure.message) : null,
      job.final ? null : this.actions(job, control),
      job.has_histogram ? h("section", { "aria-label": "Result" }, result) : null,
      job.value ? section("Result", pairs(Object.entries(job.value).map(([k, v]) => [k, String(v)]))) : null,
      this.drawings(job),
      job.child_jobs.length ? section(`Circuits (${number(job.children)})`, h("ul", { class: "plain" }, job.child_jobs.map((child) => h("li", {}, badge(child.status), " ", h("a", { href: this.app.href("jobs", { ...this.app.params, id: child.id }) }, child.name ?? child.id))))) : null,
      section("Details", pairs([
        ["Backend", job.backend], ["Shots", job.shots === null ? "exact simulation" : number(job.shots)], ["Type", job.type],
        ["Cost", job.cost !== null ? money(job.cost) : job.price === null ? "free" : job.final ? "not charged" : `${money(job.price)} when it is completed`],
        job.dry_run && ["Dry run", "compiled and priced only"], record.noise && ["Noise model", record.noise.model],
        record.execution_duration_ms && ["Ran for", `${number(record.execution_duration_ms)} ms`],
        ["Submitted", moment(job.submitted_at)], ["Project", job.project], record.session_id && ["Session", h("a", { href: "#/account" }, record.session_id)],
        job.parent && ["Parent", h("a", { class: "mono", href: this.app.href("jobs", { ...this.app.params, id: job.parent }) }, job.parent)],
        ...Object.entries(job.metadata).map(([k, v]) => [k, h("span", { class: "mono clip" }, v.slice(0, 400))])])),
      h("section", { "aria-label": "Copy as" }, heading("Copy as"), copies(job.copies, this.tabs.copy)),
      h("section", { "aria-label": "Raw" }, heading("Raw"), tabs("Raw", {
        record: () => this.raw(JSON.stringify(record, null, 2), "Record"),
        request: () => this.raw(pretty(job.source) + (job.source_size > job.source.length ? `\n… ${number(job.source_size)} characters in all` : ""), "Body of the request"),
      }, this.tabs.raw)),
      job.final ? this.actions(job, control) : null);
    if (job.has_histogram) this.result(job, result);
  }

  raw(text, label) { return h("div", { class: "copyable" }, copyButton(text), code(text, label)); }

  actions(job, control) {
    const line = this.line, codes = this.app.catalogue.failures;
    const failure = select("failure", codes.map((one) => one.code), this.failure ?? "QuantumComputerError", (event) => { this.failure = event.target.value; line.show(control, fail()); }, "Failure code");
    const fail = () => ({ end: { code: failure.value } });
    if (job.final) line.show(`DELETE /_fake/jobs/${job.id}`, {});
    else line.show(control, fail());
    return h("section", { class: "actions", "aria-label": "Change this job" }, h("div", { class: "row" },
      job.final ? null : [failure, action(line, "Fail", control, fail, { kind: "danger" }),
      action(line, "Cancel", control, () => ({ end: "canceled" })), action(line, "Complete", control, () => ({ end: "completed" })),
      job.held ? action(line, "Release", control, () => ({ release: true })) : action(line, "Hold", control, () => ({ hold: true }))],
      action(line, "Delete", `DELETE /_fake/jobs/${job.id}`, () => ({}), { kind: "danger", confirm: "Delete this job? Requests for it get 404 then.", after: () => this.app.go("jobs", { ...this.app.params, id: undefined }) })), line.node);
  }

  drawings(job) {
    const found = {};
    if (job.circuit?.qasm3 !== undefined) found["OpenQASM 3"] = () => h("div", { class: "copyable" }, copyButton(job.circuit.qasm3), code(null, "OpenQASM 3 source", highlighted(job.circuit.qasm3)));
    else if (job.circuit) found.circuit = () => circuit(job.circuit);
    if (job.compiled) found["compiled to native gates"] = () => circuit(job.compiled);
    const names = Object.keys(found);
    if (!names.length) return null;
    return h("section", { "aria-label": "Circuit" }, heading("Circuit"), names.length > 1 ? tabs("Circuit", found, this.tabs.drawing) : found[names[0]]());
  }

  async result(job, node) {
    const plot = this.plot, draw = () => this.result(job, node);
    try {
      const found = await get(`/_console/jobs/${job.id}/histogram?top=${plot.top}&order=${plot.order}`, this.app.signal);
      if (found.shots === null) plot.unit = "probabilities";
      put(node, heading("Result", h("div", { class: "row tools" },
        found.shots === null ? null : select("unit", ["counts", "probabilities"], plot.unit, (e) => { plot.unit = e.target.value; draw(); }, "Unit"),
        select("order", [["probability", "largest first"], ["outcome", "by outcome"]], plot.order, (e) => { plot.order = e.target.value; draw(); }, "Order"),
        select("top", [["16", "top 16"], ["64", "top 64"], ["256", "top 256"], ["1024", "top 1024"]], String(plot.top), (e) => { plot.top = Number(e.target.value); draw(); }, "How many outcomes"),
        h("label", { class: "check" }, h("input", { type: "checkbox", "data-key": "log", checked: plot.log, onchange: (e) => { plot.log = e.target.checked; draw(); } }), "log"))),
      histogram(found, plot));
    } catch (error) { this.app.failed(error, node); }
  }
}
