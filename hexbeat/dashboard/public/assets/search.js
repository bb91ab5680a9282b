"use strict";
// The box in which a reader looks for a street, a park or a school. It searches in the page: nothing typed leaves it.
const HexbeatSearch = (() => {
  const MOST = 6;
  const LONGEST = 100;
  const SHORTEST_MISTYPED = 4;
  const CONTEXT_COST = 4; // of a word that only the ward has
  const SHORT = {
    rd: "road", str: "street", ave: "avenue", av: "avenue", dr: "drive", ln: "lane", cl: "close", cres: "crescent",
    gdns: "gardens", gdn: "garden", pl: "place", sq: "square", ct: "court", tce: "terrace", terr: "terrace",
    gr: "grove", pk: "park", stn: "station", sch: "school", prim: "primary", n: "north", s: "south", e: "east",
    w: "west", mt: "mount", saint: "st",
  };

  /** The words of a name as they are compared: no case, accents or punctuation, short forms written out. */
  function fold(text) {
    const plain = text.normalize("NFKD").toLowerCase().replace(/[\u0300-\u036f'\u2019`]/g, "");
    const words = plain.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
    const last = words.length - 1;
    return words.map((word, k) => (word === "st" && k === last && k > 0 ? "street" : Object.hasOwn(SHORT, word) ? SHORT[word] : word));
  }

  /** Whether one typing error makes one word the other: a letter too many, too few, wrong, or two swapped. */
  function isNear(one, other) {
    if (Math.abs(one.length - other.length) > 1) return false;
    let k = 0;
    while (k < one.length && one[k] === other[k]) k += 1;
    const [rest, others] = [one.slice(k), other.slice(k)];
    if (rest.slice(1) === others.slice(1) || rest.slice(1) === others || rest === others.slice(1)) return true;
    return rest[0] === others[1] && rest[1] === others[0] && rest.slice(2) === others.slice(2);
  }

  function costOf(word, words, isLast) {
    if (words.includes(word)) return 0;
    const isLong = word.length >= SHORTEST_MISTYPED;
    if ((isLast || isLong) && words.some((one) => one.startsWith(word))) return 1;
    return isLong && !/\d/.test(word) && words.some((one) => isNear(word, one)) ? 2 : Infinity;
  }

  /** The entries of the page's data: each a name, its ward's number and, by set of places, its outline (-1: the ward). */
  function unpack({ sets, wards }, wardNames) {
    return wards.flatMap(({ names, leaves }, ward) => {
      const context = fold(wardNames[ward]);
      return names.split("\n").map((name, k) => ({
        name,
        label: name ? `${name} (${wardNames[ward]})` : wardNames[ward],
        words: name ? fold(name) : context,
        context,
        ward,
        wardName: wardNames[ward],
        leaf: Object.fromEntries(sets.map((set, place) => [set, leaves[place][k]])),
      }));
    });
  }

  /** The entries that have every word typed, best first. */
  function find(entries, text) {
    const typed = fold(text.slice(0, LONGEST));
    if (!typed.length) return [];
    const ranks = [];
    for (const entry of entries) {
      let cost = entry.words[0] === typed[0] ? 0 : 0.25;
      typed.forEach((word, k) => {
        const isLast = k === typed.length - 1;
        cost += Math.min(costOf(word, entry.words, isLast), costOf(word, entry.context, isLast) + CONTEXT_COST);
      });
      cost += 0.5 * entry.words.filter((word) => !typed.includes(word)).length;
      if (cost < Infinity) ranks.push([cost, entry]);
    }
    // A street of Park ward is no answer to "park road" where there is a Park Road.
    const lowest = Math.min(...ranks.map(([cost]) => cost));
    const near = ranks.filter(([cost]) => cost < lowest + CONTEXT_COST - 0.5);
    return near.sort((one, other) => one[0] - other[0]).slice(0, MOST).map(([, entry]) => entry);
  }

  /** That the place which is shown lies in other wards too, which are offered; "" if it does not. */
  function describeOthers([first, ...others]) {
    const wards = others.filter(({ name }) => name && name === first.name).map(({ wardName }) => wardName);
    if (!wards.length) return "";
    const where = [wards.slice(0, -1).join(", "), wards.at(-1)].filter(Boolean).join(" and ");
    return ` ${first.name} is also in ${where}: choose ${wards.length > 1 ? "one" : "it"} below.`;
  }

  const POSTCODE = /^([a-z]{1,2}\d[a-z\d]?)\s*\d[a-z]{2}$/i;

  /** What to say, and what to offer, where nothing fits. Of a whole postcode the page knows only the first part. */
  function suggest(entries, text) {
    const [, district] = POSTCODE.exec(text.trim()) || [];
    if (!district) return ["No place here fits. Try fewer words, or part of a name.", []];
    const name = district.toUpperCase();
    const offered = entries.filter(({ words }) => words.length === 1 && words[0] === name.toLowerCase());
    const rule = "Whole postcodes cannot be looked for here, as one may be a single house.";
    return offered.length
      ? [`${rule} These wards have postcodes that begin with ${name}:`, offered]
      : [`${rule} Try a street, a park, a school, a ward or the first part of a postcode.`, []];
  }

  function element(name, text, attributes = {}) {
    const made = document.createElement(name);
    made.textContent = text;
    Object.assign(made, attributes);
    return made;
  }

  /** The box as one element: Enter or the button shows the first that fits, and offers the others.
   * `choose` shows an entry (null: none, so that no older answer stays marked) and returns the answer, which then stands
   * under the box; blank: it is on the map alone. */
  function box(entries, choose) {
    const root = element("div", "", { className: "hp-search" });
    root.setAttribute("role", "search");
    const label = element("label", "Find a street, park or school", { htmlFor: "hp-words" });
    const input = element("input", "", { id: "hp-words", type: "search", autocomplete: "off", maxLength: LONGEST });
    const button = element("button", "Find", { type: "button" });
    const said = element("p", "", { className: "hp-found" });
    said.setAttribute("role", "status");
    const list = element("ul", "");
    list.setAttribute("aria-label", "Places of that name");
    const bringIntoView = () => [list, said].forEach((part) => part.scrollIntoView({ block: "nearest" }));
    const take = (entry, others = "") => {
      said.textContent = `${choose(entry) || `Shown on the map: ${entry.label}.`}${others}`;
      bringIntoView(); // what stands above the box may have become longer
    };
    const search = () => {
      const found = find(entries, input.value);
      const [advice, districts] = found.length ? ["", []] : suggest(entries, input.value);
      list.replaceChildren(...(found.length > 1 ? found : districts).map((entry) => {
        const item = element("li", "");
        const one = element("button", entry.label, { type: "button" });
        one.addEventListener("click", () => take(entry));
        item.append(one);
        return item;
      }));
      if (found.length) return take(found[0], describeOthers(found));
      choose(null);
      said.textContent = input.value.trim() ? advice : "";
      return bringIntoView();
    };
    button.addEventListener("click", search);
    input.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the map's own keys stay the map's
      if (event.key === "Enter") search();
    });
    const row = element("div", "");
    row.append(input, button);
    root.append(label, row, said, list);
    return root;
  }

  return { box, find, unpack };
})();
