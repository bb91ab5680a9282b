/* The legend: a heading, and a colour with its numbers for each class that is on the map. It can be folded away; on a
 * narrow map the classes stand side by side, in two columns where their words are long. One that would take too much of
 * the map begins folded.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const LONG = 9; // letters; beyond, labels have no room under their colours on a narrow map
  const LEAST_FRAME_PX = 200; // a frame that is still being opened is lower

  Hexbeat.addLegend = (map) => {
    const details = Hexbeat.element("details", "hexbeat-legend");
    details.open = true;
    details.append(Hexbeat.element("summary"), Hexbeat.element("ul"));
    const narrow = () => details.classList.toggle("hexbeat-narrow", Hexbeat.isNarrow(map));
    narrow();
    map.on("resize", narrow);
    keepInFrame(map);
    details.firstChild.addEventListener("click", () => (details.dataset.chosen = "yes"));
    details.addEventListener("toggle", () => Hexbeat.clearLegend(map));
    return Hexbeat.addControl(map, "bottomleft", details);
  };

  /** `shown` holds the places in `labels` of the classes that are on the map. */
  Hexbeat.fillLegend = (legend, { title, labels, swatches, outlinedLabel, dashedLabel }, colours, shown) => {
    const [summary, list] = legend.getContainer().children;
    summary.textContent = title;
    legend.getContainer().hidden = !title; // as where no cell has a value
    const longest = Math.max(0, ...labels.filter((_, k) => shown.has(k)).map((label) => label.length));
    legend.getContainer().classList.toggle("hexbeat-worded", longest > LONG);
    const row = (label, k) => legendRow(label, colours[k], swatches && swatches[k] ? `hexbeat-${swatches[k]}` : "");
    const rows = labels.map((label, k) => shown.has(k) && row(label, k)).filter(Boolean);
    if (outlinedLabel) rows.push(legendRow(outlinedLabel, "transparent", "hexbeat-outlined"));
    if (dashedLabel) rows.push(legendRow(dashedLabel, "transparent", "hexbeat-dashed"));
    list.replaceChildren(...rows);
  };

  /** The page gives the frame a height that fits its window; the map, which streamlit-folium made, is as high. */
  function keepInFrame(map) {
    if (window === window.parent) return;
    const container = map.getContainer();
    const follow = () => {
      const room = window.innerHeight;
      const wanted = `${room}px`;
      if (room < LEAST_FRAME_PX || Hexbeat.printing || container.style.height === wanted) return;
      container.style.height = wanted;
      map.invalidateSize();
    };
    follow();
    window.addEventListener("resize", follow);
  }

  function legendRow(label, colour, className = "") {
    const row = Hexbeat.element("li", className);
    const swatch = Hexbeat.element("i");
    swatch.style.backgroundColor = colour;
    row.append(swatch, Hexbeat.element("span", "", label));
    return row;
  }
})();
