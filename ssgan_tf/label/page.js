// The page: draws the state that the server returns, and turns keys and clicks into requests.

const $ = (selector) => element.querySelector(selector);
const addresses = new Map(); // image: promise of what `server.image` returns
const MOST_ADDRESSES = 200;
let state = null, sliders = {}, grid = "", cursor = 0, marked = {}, shownAt = 0, busy = Promise.resolve();

function make(tag, text = "", properties = {}) {
  const node = document.createElement(tag);
  node.textContent = text; // never innerHTML: names come from files
  return Object.assign(node, properties);
}

// gradio resolves to undefined, or throws, if the program is gone.
async function call(method, request) {
  const gone = { error: "The program does not answer. All answers so far are on disk; is it still running?" };
  return (await method(request).catch(() => gone)) ?? gone;
}

function load(image, small = false) {
  const key = `${small}/${image}`;
  if (!addresses.has(key)) addresses.set(key, call(server.image, { image, small }));
  if (addresses.size > MOST_ADDRESSES) addresses.delete(addresses.keys().next().value);
  return addresses.get(key);
}

// --- Requests

async function act(request) {
  const next = await call(server.act, { image: state ? state.image || "" : "", grid, ...request });
  if (next.error) return say(next.error, true);
  const before = state;
  state = next;
  say(next.trouble ? `Without the models' guesses: ${next.trouble}` : next.said || "", Boolean(next.trouble));
  await draw(before);
  if (next.waiting) setTimeout(() => enqueue(() => state === next && act({ do: "look" })), 400);
}

// Keys are handled one after another, each in the state that the one before has led to.
function enqueue(action) {
  busy = busy.then(action).catch((error) => say(String(error), true));
  return busy;
}

function say(text, wrong = false) {
  $(".said").textContent = text;
  $(".said").classList.toggle("wrong", wrong);
}

// --- One image

const current = () => state.factors.find((factor) => factor.name === state.open[0]);

function answer(name, value) {
  return act({ do: "answer", answers: { [name]: value } });
}

function question(factor) {
  const now = factor.name === state.open[0], box = make("fieldset", "", { className: now ? "now" : "" });
  const cell = state.cells[factor.name], guess = state.guesses[factor.name];
  box.dataset.factor = factor.name;
  box.append(make("legend", factor.name));
  if (factor.range) box.append(...slider(factor, cell, guess));
  factor.values.forEach((value, i) => {
    const button = make("button", value);
    if (value === cell) button.classList.add("chosen");
    if (value === guess && !cell) button.classList.add("guess");
    if (now && i < 9) button.append(make("kbd", String(i + 1)));
    if (now && value === guess) button.append(make("kbd", "Enter"));
    button.onclick = () => enqueue(() => answer(factor.name, value));
    box.append(button);
  });
  return box;
}

function slider(factor, cell, guess) {
  const [low, high] = factor.range, input = make("input", "", { type: "range", min: low, max: high, step: "any" });
  const known = cell || sliders[factor.name] || guess, shown = make("output", known ? text(known) : "not set");
  input.value = known || (low + high) / 2;
  input.setAttribute("aria-label", factor.name);
  input.oninput = () => move(factor, Number(input.value));
  const confirm = make("button", "Confirm");
  confirm.append(make("kbd", "Enter"));
  confirm.onclick = () => enqueue(() => confirmNumber(factor));
  return [input, shown, confirm];
}

const text = (number) => String(Number(Number(number).toPrecision(4)));

function move(factor, value) {
  const [low, high] = factor.range, box = $(`fieldset[data-factor="${CSS.escape(factor.name)}"]`);
  sliders[factor.name] = Math.min(Math.max(value, low), high);
  box.querySelector("input").value = sliders[factor.name];
  box.querySelector("output").textContent = text(sliders[factor.name]);
}

function confirmNumber(factor) {
  const value = sliders[factor.name] ?? state.guesses[factor.name];
  if (value === undefined) return say("Move the slider first: keys 0 to 9, or the arrows.", true);
  return answer(factor.name, Number(text(value)));
}

async function drawOne(before) {
  const changed = !before || before.grid || before.image !== state.image;
  if (changed) sliders = {};
  $(".where").textContent = state.image || "No question is left" + (state.skipped ? `, but ${state.skipped} skipped: start again to see them.` : ".");
  $(".reason").textContent = state.reason;
  $(".questions").replaceChildren(...(state.image ? state.factors.map(question) : []));
  if (state.following) load(state.following);
  if (!changed) return;
  const { address, error } = state.image ? await load(state.image) : { error: "" };
  const photo = $(".photo img");
  photo.hidden = !address;
  if (address) {
    photo.src = address;
    await photo.decode().catch(() => {});
    photo.classList.toggle("small", photo.naturalWidth < 256);
  }
  $(".photo .wrong").textContent = error || "";
  shownAt = performance.now();
}

// --- Grid

async function drawGrid(before) {
  const factor = state.factors.find((one) => one.name === state.grid);
  const undone = state.undone, same = before && before.grid === state.grid && (!undone || before.images.includes(undone));
  const stays = same && before.images.some((image) => state.images.includes(image));
  if (stays) state.images = before.images; // answered images stay on the page until all are
  else cursor = 0, marked = {};
  if (undone) delete marked[undone], (cursor = Math.max(state.images.indexOf(undone), 0));
  $(".where").textContent = state.images.length ? `${state.grid}: ` + factor.values.map((v, i) => (i < 9 ? `${i + 1} ${v}` : v)).join(", ") : "No question is left.";
  $(".reason").textContent = "";
  const figures = state.images.map((image, i) => {
    const figure = make("figure", "", { className: i === cursor ? "now" : "", title: image }), photo = make("img", "", { alt: image });
    load(image, true).then(({ address }) => address && (photo.src = address));
    figure.append(photo, make("figcaption", marked[image] ?? (state.guesses[image] ? `${state.guesses[image]}?` : "\u00a0")));
    figure.onclick = () => { cursor = i; drawGrid(state); };
    return figure;
  });
  $(".grid").replaceChildren(...figures);
  if (!stays) shownAt = performance.now();
}

async function gridAnswer(value) {
  const image = state.images[cursor];
  if (image === undefined || value === undefined) return;
  marked[image] = value === "" ? "skipped" : value;
  const turn = state.images.map((_, i) => (cursor + 1 + i) % state.images.length); // the next image without an answer
  cursor = turn.find((i) => !(state.images[i] in marked)) ?? cursor;
  if (value === "") return act({ do: "skip", image, factors: [state.grid] });
  return act({ do: "answer", image, answers: { [state.grid]: value } });
}

function gridKey(key) {
  const factor = state.factors.find((one) => one.name === state.grid), last = state.images.length - 1;
  const steps = { ArrowLeft: -1, ArrowRight: 1 };
  if (key in steps) return (cursor = Math.min(Math.max(cursor + steps[key], 0), last)), draw(state);
  if (key === "s" || key === "n") return gridAnswer("");
  if (key === "Enter") return gridAnswer(state.guesses[state.images[cursor]] || undefined);
  if (/^[1-9]$/.test(key)) return gridAnswer(factor.values[key - 1]);
}

// --- Both

async function draw(before) {
  $(".one").hidden = Boolean(state.grid);
  $(".grid").hidden = !state.grid;
  $(".one").style.display = state.grid ? "none" : "";
  $(".grid").style.display = state.grid ? "" : "none";
  $(".progress").replaceChildren(...state.factors.map(progress), make("span", `${state.done} of ${state.total} images labelled, in ${state.table}`));
  await (state.grid ? drawGrid(before) : drawOne(before));
  $(".head").dataset.draws = String(Number($(".head").dataset.draws || 0) + 1); // for tests
}

function progress(factor) {
  const table = make("table"), sum = factor.counts.reduce((a, b) => a + b, 0), most = Math.max(...factor.counts, 1);
  table.append(make("caption", `${factor.name}: ${sum} of ${state.total}`));
  factor.bins.forEach((name, i) => {
    const row = make("tr"), bar = make("td"), line = make("i");
    line.style.width = `${(60 * factor.counts[i]) / most}px`;
    bar.append(line);
    row.append(make("td", name), make("td", String(factor.counts[i])), bar);
    table.append(row);
  });
  return table;
}

function nextGrid() {
  const names = ["", ...state.factors.filter((factor) => factor.values.length).map((factor) => factor.name)];
  grid = names[(names.indexOf(grid) + 1) % names.length];
  return act({ do: "look" });
}

function oneKey(key, big) {
  const factor = state.image ? current() : undefined;
  if (!factor) return;
  if (key === "s") return act({ do: "skip", factors: [factor.name] });
  if (key === "n") return act({ do: "skip", factors: state.open });
  if (!factor.range) {
    const value = key === "Enter" ? state.guesses[factor.name] : /^[1-9]$/.test(key) ? factor.values[key - 1] : undefined;
    return value === undefined ? undefined : answer(factor.name, value);
  }
  const [low, high] = factor.range, at = Number(sliders[factor.name] ?? state.guesses[factor.name] ?? (low + high) / 2);
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
  if (key === "Enter") return confirmNumber(factor);
  if (/^[0-9]$/.test(key)) return move(factor, low + ((high - low) * Number(key)) / 10);
  if (key in steps) return move(factor, at + ((steps[key] * (high - low)) / 100) * (big ? 10 : 1));
}

function onKey(key, big) {
  if (key === "u") return act({ do: "undo" });
  if (key === "g") return nextGrid();
  return state.grid ? gridKey(key) : oneKey(key, big);
}

const KEYS = /^([0-9sungSUNG]|Enter|Arrow(Left|Right|Up|Down))$/;
document.addEventListener("keydown", (event) => {
  const undo = (event.ctrlKey || event.metaKey) && event.key === "z";
  if (!undo && (!KEYS.test(event.key) || event.ctrlKey || event.metaKey || event.altKey)) return;
  event.preventDefault();
  const key = undo ? "u" : event.key.length === 1 ? event.key.toLowerCase() : event.key, pressed = event.timeStamp;
  // Nobody answers what is not shown yet: a key that was pressed before the image appeared is ignored.
  enqueue(() => (state && pressed >= shownAt ? onKey(key, event.shiftKey) : undefined));
});
element.querySelectorAll("[data-key]").forEach((button) => {
  button.onclick = () => enqueue(() => state && onKey(button.dataset.key, false));
});
$(".keys").textContent = "1 to 9 choose a value; arrows (with Shift: further) or 0 to 9 move a slider; Enter confirms.";
enqueue(() => act({ do: "look" }));
