// Drawings in SVG: circuits, calibration plots; histograms as tables with bars; marked source.
import { duration, h, moment, number, percent, s } from "./dom.js";

const WORD = { not: "X", x: "X", cnot: "X", si: "S†", ti: "T†", v: "√X", vi: "√X†", gpi: "GPi", gpi2: "GPi2", nop: "·", pauliexp: "exp" };

const angle = (value, turns) => {
  if (turns) return Number(value.toFixed(3)).toString();
  const parts = value / Math.PI;
  for (const d of [1, 2, 3, 4, 6, 8]) {
    const n = Math.round(parts * d);
    if (n && Math.abs(parts * d - n) < 1e-9) return `${n === 1 ? "" : n === -1 ? "−" : n}π${d === 1 ? "" : `/${d}`}`;
  }
  return value.toFixed(3);
};

const TWO = new Set(["xx", "yy", "zz", "ms"]);
const MOST_DRAWN = 400;

// Gates in columns: each as far left as its qubits are free. A gate on several qubits takes all wires between.
function columns(gates) {
  const free = new Map();
  let last = 0;
  const placed = gates.map(([name, targets, controls, parameters, terms]) => {
    const qubits = [...controls, ...targets];
    const low = Math.min(...qubits), high = Math.max(...qubits);
    let column = 0;
    for (let q = low; q <= high; q += 1) column = Math.max(column, free.get(q) ?? 0);
    for (let q = low; q <= high; q += 1) free.set(q, column + 1);
    last = Math.max(last, column + 1);
    return { name, targets, controls, parameters, terms, low, high, column };
  });
  return { placed, count: last };
}

export function circuit(found) {
  const { qubits, gates, count, gateset } = found;
  const used = [...new Set(gates.flatMap(([, t, c]) => [...c, ...t]))].sort((a, b) => a - b);
  const wires = qubits <= 12 ? [...Array(qubits).keys()] : used;
  const row = new Map(wires.map((q, n) => [q, n]));
  const drawn = gates.slice(0, MOST_DRAWN).map(([n, t, c, p, w]) => [n, t.map((q) => row.get(q)), c.map((q) => row.get(q)), p, w]);
  const { placed, count: depth } = columns(drawn);
  const W = 62, H = 44, left = 46, width = left + depth * W + 40, height = wires.length * H + 12;
  const x = (column) => left + column * W + W / 2, y = (n) => 6 + n * H + H / 2;
  const parts = wires.map((q, n) => [
    s("line", { x1: left - 8, y1: y(n), x2: width - 30, y2: y(n), class: "wire" }),
    s("text", { x: left - 14, y: y(n) + 4, class: "qubit" }, `q${q}`),
    s("path", { d: `M${width - 28} ${y(n) + 5}a8 8 0 0 1 16 0M${width - 20} ${y(n) + 5}l6 -9`, class: "meter" })]);
  const text = [];
  for (const gate of placed) {
    const at = x(gate.column), turns = gateset === "native";
    const words = gate.parameters.length && gate.name !== "pauliexp" ? gate.parameters.map((p) => angle(p, turns)).join(", ") : "";
    const title = `${gate.name}${words ? `(${words})` : ""} on ${gate.targets.map((n) => `q${wires[n]}`).join(", ")}${gate.controls.length ? `, controlled by ${gate.controls.map((n) => `q${wires[n]}`).join(", ")}` : ""}`;
    text.push(title);
    const marks = [s("title", {}, title)];
    if (gate.low !== gate.high) marks.push(s("line", { x1: at, y1: y(gate.low), x2: at, y2: y(gate.high), class: "link" }));
    for (const n of gate.controls) marks.push(s("circle", { cx: at, cy: y(n), r: 5, class: "control" }));
    const plus = gate.controls.length && ["x", "not", "cnot"].includes(gate.name);
    gate.targets.forEach((n, place) => {
      if (plus) marks.push(s("circle", { cx: at, cy: y(n), r: 11, class: "plus" }), s("path", { d: `M${at - 11} ${y(n)}h22M${at} ${y(n) - 11}v22`, class: "cross" }));
      else if (gate.name === "swap") marks.push(s("path", { d: `M${at - 6} ${y(n) - 6}l12 12m0 -12l-12 12`, class: "cross" }));
      else {
        const label = gate.name === "pauliexp" ? "exp" : TWO.has(gate.name) ? gate.name.toUpperCase() : WORD[gate.name] ?? (gate.name.startsWith("r") ? gate.name.toUpperCase()[0] + gate.name.slice(1) : gate.name.toUpperCase());
        const sub = TWO.has(gate.name) && gate.parameters.length > 1 ? angle(gate.parameters[place], turns) : words;
        marks.push(s("rect", { x: at - 25, y: y(n) - 17, width: 50, height: 34, rx: 5, class: `gate ${gate.low === gate.high ? "one" : "two"}` }),
          s("text", { x: at, y: y(n) + (sub ? -1 : 4), class: "name" }, label), sub ? s("text", { x: at, y: y(n) + 12, class: "angle" }, sub.length > 9 ? `${sub.slice(0, 8)}…` : sub) : null);
      }
    });
    parts.push(s("g", {}, marks.filter(Boolean)));
  }
  const label = `Circuit of ${qubits} qubits and ${count} gates: ${text.slice(0, 12).join("; ")}${text.length > 12 ? " …" : ""}`;
  return h("figure", { class: "circuit" },
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Circuit drawing, scrolls sideways" },
      s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, parts.flat())),
    h("figcaption", {}, `${qubits} ${qubits === 1 ? "qubit" : "qubits"}, ${number(count)} ${count === 1 ? "gate" : "gates"}, ${gateset} gates${count > MOST_DRAWN ? `; the first ${MOST_DRAWN} are drawn` : ""}${wires.length < qubits ? "; idle qubits are left out" : ""}`));
}

const WORDS = /(\/\/[^\n]*|\/\*[\s\S]*?\*\/)|("(?:[^"\\\n]|\\.)*")|\b(OPENQASM|include|qubit|bit|qreg|creg|int|uint|float|angle|bool|const|input|output|gate|def|return|if|else|for|while|in|let|measure|reset|barrier|ctrl|negctrl|inv|pow|array|true|false)\b|(\b\d+(?:\.\d+)?(?:e[+-]?\d+)?\b|\bpi\b)/g;

export function highlighted(source) {
  const found = [];
  let at = 0;
  for (const match of source.matchAll(WORDS)) {
    const kind = ["comment", "string", "word", "number"][[1, 2, 3, 4].findIndex((n) => match[n] !== undefined)];
    found.push(source.slice(at, match.index), h("span", { class: `t-${kind}` }, match[0]));
    at = match.index + match[0].length;
  }
  return [...found, source.slice(at)];
}

// Bars of outcomes in a table, which a screen reader reads as it is.
export function histogram(found, { log, unit }) {
  const { outcomes, total, rest, shots, largest } = found;
  const least = Math.min(largest, ...outcomes.map((one) => one.probability));
  const floor = Math.log10(least) - 0.5;
  const length = (p) => (log ? (largest === least ? 1 : (Math.log10(p) - floor) / (Math.log10(largest) - floor)) : p / largest);
  const counts = unit === "counts" && shots !== null;
  const rows = outcomes.map((one) => h("tr", {},
    h("th", { scope: "row", class: "mono", title: `outcome ${one.value}` }, one.bits.length > 40 ? `${one.bits.slice(0, 39)}…` : one.bits),
    h("td", { class: "bar", "aria-hidden": "true" }, h("i", { style: { width: `${100 * length(one.probability)}%` } })),
    h("td", { class: "number" }, counts ? number(one.count) : percent(one.probability)),
    h("td", { class: "number faint" }, counts ? percent(one.probability) : shots === null ? one.probability.toPrecision(6) : number(one.count))));
  return h("div", {},
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of outcomes" },
      h("table", { class: "histogram" }, h("caption", { class: "unseen" }, `Outcomes, the rightmost bit is qubit 0${log ? ", logarithmic bars" : ""}`),
        h("thead", { class: "unseen" }, h("tr", {}, ["Outcome", "Bar", counts ? "Counts" : "Probability", counts ? "Probability" : shots === null ? "Value" : "Counts"].map((t) => h("th", { scope: "col" }, t)))),
        h("tbody", {}, rows))),
    h("p", { class: "hint" }, `${number(outcomes.length)} of ${number(total)} ${total === 1 ? "outcome" : "outcomes"}`,
      rest > 1e-12 ? `; the others have ${percent(rest)}` : "", shots === null ? "; exact probabilities, no shots" : `; ${number(shots)} shots`, log ? "; logarithmic scale" : ""));
}

export function timeline(steps, final) {
  const at = steps.findIndex((step) => step.current);
  return h("ol", { class: "timeline" }, steps.map((step, n) => {
    const next = steps[n + 1];
    const gap = next?.at && step.at ? Date.parse(next.at) - Date.parse(step.at) : 0, took = gap > 0 ? duration(gap) : null;
    const now = step.current, ahead = n > at;
    return h("li", { class: `${/^[a-z]+$/.test(step.status) && !ahead ? step.status : ""} ${ahead ? "ahead" : ""} ${now && !final ? "going" : ""}`, "aria-current": now ? "step" : undefined },
      h("b", {}, step.status, ahead ? h("span", { class: "unseen" }, " not yet") : null), h("time", { class: "mono", datetime: step.at ?? undefined }, step.at ? `${ahead ? "expected " : ""}${step.at.slice(11, ahead ? 19 : 23)}` : ""),
      took !== null ? h("span", { class: "took" }, took) : null, n === 0 ? h("span", { class: "unseen" }, moment(step.at)) : null);
  }));
}

// Errors of a QPU by day: one line each for gates on one and two qubits, and for SPAM.
export function calibration(points) {
  const series = [["1q", "1-qubit gates"], ["2q", "2-qubit gates"], ["spam", "SPAM"]];
  const W = 300, H = 92, pad = 8;
  return h("div", { class: "plots" }, series.map(([key, name]) => {
    const known = points.map((p, n) => [n, p[key], p.day]).filter(([, v]) => v !== null);
    if (!known.length) return null;
    const errors = known.map(([, v]) => 1 - v), low = Math.min(...errors), high = Math.max(...errors), gap = high - low || high || 1;
    const x = (n) => pad + (n / Math.max(1, points.length - 1)) * (W - 2 * pad), y = (e) => H - pad - ((e - low) / gap) * (H - 2 * pad);
    const path = known.map(([n, v], i) => `${i ? "L" : "M"}${x(n).toFixed(1)} ${y(1 - v).toFixed(1)}`).join("");
    const [, newest, day] = known.at(-1);
    return h("figure", { class: "plot" }, h("figcaption", {}, h("b", {}, name), h("span", { class: "mono" }, `${(100 * newest).toFixed(3)} %`)),
      s("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `Error of ${name}, ${known[0][2]} to ${day}: from ${low.toPrecision(2)} to ${high.toPrecision(2)}; newest fidelity ${newest}` },
        s("line", { x1: pad, x2: W - pad, y1: H - pad, y2: H - pad, class: "axis" }), s("path", { d: path, class: `curve c${key}` }),
        known.map(([n, v, d]) => s("circle", { cx: x(n), cy: y(1 - v), r: 2.2, class: `point c${key}` }, s("title", {}, `${d}: ${v}`)))),
      h("div", { class: "range hint" }, h("span", {}, `error ${low.toPrecision(2)} – ${high.toPrecision(2)}`), h("span", {}, `${points.length} days`)));
  }));
}
