// Backends with their calibration; projects, usage and sessions.
import { get } from "./api.js";
import { duration, h, moment, money, number, put, throttled } from "./dom.js";
import { calibration } from "./drawing.js";
import { badge, heading, pairs } from "./parts.js";

function loaded(title, path, draw, app) {
  const body = h("div", {});
  const load = async () => { try { put(body, draw(await get(path, app.signal))); } catch (error) { app.failed(error, body); } };
  const reload = throttled(load, 1500);
  return { node: h("div", { class: "page" }, h("h1", {}, title), body), update: load, changed: reload, key: () => false };
}

const table = (caption, heads, rows) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `Table: ${caption}` }, h("table", {}, h("caption", { class: "unseen" }, caption),
  h("thead", {}, h("tr", {}, heads.map((t) => h("th", { scope: "col" }, t)))), h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, n) => (n ? h("td", {}, cell) : h("th", { scope: "row" }, cell))))))));

export const backends = (app) => loaded("Backends", "/_console/backends", ({ backends: all }) => h("div", {}, all.map((one) => h("section", { class: `card ${one.status}`, "aria-label": one.backend },
  heading(one.backend, badge(one.status)),
  pairs([["Qubits", number(one.qubits)], ["Queue", one.average_queue_time ? duration(one.average_queue_time) : "empty"], ["Native gates", one.supported_native_gates.join(", ")],
    one.supported_error_mitigations.length && ["Error mitigation", one.supported_error_mitigations.join(", ")], one.noise_models && ["Noise models", one.noise_models.join(", ")],
    one.timing && ["T1, T2", `${one.timing.t1_s} s, ${one.timing.t2_s} s`], one.timing && ["Gates", `${Math.round(1e6 * one.timing.one_qubit_s)} µs on one qubit, ${Math.round(1e6 * one.timing.two_qubits_s)} µs on two`], one.location && ["Location", one.location]]),
  one.characterizations.length ? [calibration(one.characterizations), h("details", {}, h("summary", {}, "Table of fidelities"), table(`Fidelities of ${one.backend}`, ["Day", "1q", "2q", "SPAM"],
    [...one.characterizations].reverse().map((c) => [c.day, c["1q"] ?? "–", c["2q"] ?? "–", c.spam])))] : null))), app);

export const account = (app) => loaded("Account", "/_console/account", ({ projects, sessions, usage }) => {
  const most = Math.max(...usage.usage_data.map((day) => day.amount), 0.01);
  return h("div", {},
    h("section", { class: "card", "aria-label": "Usage" }, heading("Usage", h("span", { class: "hint" }, `${usage.start_date} to ${usage.end_date}`)),
      h("p", { class: "big" }, money(usage.amount_total), h("span", { class: "hint" }, ` ${number(usage.job_count)} charged jobs, ${duration(usage.time_us_total / 1000)} on QPUs`)),
      usage.usage_data.length ? h("table", { class: "histogram" }, h("caption", { class: "unseen" }, "Cost by day"), h("tbody", {}, usage.usage_data.slice(0, 30).map((day) => h("tr", {}, h("th", { scope: "row", class: "mono" }, day.from.slice(0, 10)),
        h("td", { class: "bar", "aria-hidden": "true" }, h("i", { style: { width: `${(100 * day.amount) / most}%` } })), h("td", { class: "number" }, money(day.amount)), h("td", { class: "number faint" }, `${number(day.job_count)} jobs`))))) : h("p", { class: "hint" }, "No job was charged. The simulator is free.")),
    h("section", { class: "card", "aria-label": "Projects" }, heading("Projects"), projects.length ? table("Projects", ["Project", "Jobs submitted", "Committed", "Quota"], projects.map((one) => [one.name, number(one.submitted), money(one.spent), one.quota === null ? "no limit" : money(one.quota)])) : h("p", { class: "hint" }, "The first request of a key makes its project.")),
    h("section", { class: "card", "aria-label": "Sessions" }, heading("Sessions"), sessions.length ? table("Sessions", ["Session", "Status", "Backend", "Project", "Created", "Ended", "Limits"], sessions.map((one) => [h("span", { class: "mono" }, one.id), badge(one.status), one.backend, one.project, moment(one.created_at), moment(one.ended_at),
      Object.entries(one.settings).map(([k, v]) => `${k} ${typeof v === "object" ? `${v.value} ${v.unit}` : v}`).join(", ") || "none"])) : h("p", { class: "hint" }, "No sessions.")));
}, app);
