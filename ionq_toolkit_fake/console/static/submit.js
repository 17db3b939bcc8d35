// Submit a program by hand, by the API that every client uses.
import { call } from "./api.js";
import { h, toast } from "./dom.js";
import { labelled, select, tabs } from "./parts.js";

const KEY = "ionq-fake key";

export function submit(app) {
  const { examples, types, backends, noise_models: models, takes_every_key: any } = app.catalogue;
  const state = { tab: Object.keys(examples)[0] }, text = {};
  const key = h("input", { type: "password", autocomplete: "off", value: sessionStorage.getItem(KEY) ?? (any ? "console" : ""), "data-key": "key" });
  const shots = h("input", { type: "number", min: 1, max: 1000000, value: "1000" });
  const name = h("input", { type: "text", maxlength: 200, placeholder: "optional" });
  const dry = h("input", { type: "checkbox" });
  const noise = select("noise", models, "ideal", undefined, "Noise model");
  const backend = select("backend", backends.map((one) => [one.name, `${one.name}, ${one.qubits} qubits${one.status === "available" ? "" : `, ${one.status}`}`]), "simulator", () => {
    noise.disabled = backend.value !== "simulator"; dry.disabled = !noise.disabled;
  }, "Backend");
  dry.disabled = true;
  const problem = h("p", { class: "failure", role: "alert", hidden: true });
  const area = h("textarea", { spellcheck: "false", class: "code", rows: 16, "aria-label": "Program", oninput: () => { text[state.tab] = area.value; } });

  function editor(language) {
    const programs = examples[language];
    const shown = (name) => (typeof programs[name] === "string" ? programs[name] : JSON.stringify(programs[name], null, 2));
    text[language] ??= shown(Object.keys(programs)[0]);
    area.value = text[language];
    return h("div", {}, h("div", { class: "row" }, h("span", { class: "hint" }, "Examples"), Object.keys(programs).map((one) => h("button", { class: "small", onclick: () => { area.value = text[language] = shown(one); } }, one))), area);
  }

  async function body() {
    const language = state.tab;
    const common = { backend: backend.value, shots: Number(shots.value), ...(name.value ? { name: name.value } : {}),
      ...(backend.value === "simulator" ? { noise: { model: noise.value } } : dry.checked ? { dry_run: true } : {}) };
    if (language === "JSON") {
      const input = JSON.parse(area.value);
      return input.input ? { ...common, ...input } : { type: input.circuits ? "ionq.multi-circuit.v1" : types[language], ...common, input };
    }
    const data = language === "OpenQASM 2" ? (await call("POST", "/_console/qasm2", { source: area.value })).qasm3 : area.value;
    return { type: types[language], ...common, input: { data } };
  }

  const send = async (event) => {
    event.preventDefault();
    problem.hidden = true;
    sessionStorage.setItem(KEY, key.value);
    try {
      const made = await call("POST", "/v0.4/jobs", await body(), undefined, { Authorization: `apiKey ${key.value}` });
      toast("Submitted");
      app.go("jobs", { id: made.id });
    } catch (error) {
      problem.textContent = error.status ? `${error.status}: ${error.message}` : error instanceof SyntaxError ? `This is not JSON: ${error.message}` : "No response: the request was lost. Look at Requests.";
      problem.hidden = false;
    }
  };

  const languages = Object.fromEntries(Object.keys(examples).map((one) => [one, () => editor(one)]));
  const form = h("form", { class: "columns", onsubmit: send },
    h("div", { class: "grow" }, tabs("Language", languages, state)),
    h("div", { class: "side" }, labelled("Backend", backend), labelled("Noise model", noise), labelled("Shots", shots), labelled("Name", name),
      h("label", { class: "check" }, dry, "dry run: compile and price only"),
      labelled(any ? "API key (any; each has its own project)" : "API key", key),
      problem, h("button", { class: "primary wide" }, "Submit")));
  form.noValidate = false;
  return { node: h("div", { class: "page" }, h("h1", {}, "Submit a program"), form), update() {}, key: () => false };
}
