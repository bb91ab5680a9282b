/* The legend: a heading, and a colour with its numbers for each class. It can be folded away; on a narrow map the
 * classes stand side by side, in two columns where their words are long.
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
    return Hexbeat.addControl(map, "bottomleft", details);
  };

  Hexbeat.fillLegend = (legend, { title, labels, swatches, outlinedLabel, dashedLabel }, colours) => {
    const [summary, list] = legend.getContainer().children;
    summary.textContent = title;
    legend.getContainer().hidden = !title; // as where no cell has a value
    const longest = Math.max(0, ...labels.map((label) => label.length));
    legend.getContainer().classList.toggle("hexbeat-worded", longest > LONG);
    const rows = labels.map((label, k) => legendRow(label, colours[k], swatches && swatches[k] ? `hexbeat-${swatches[k]}` : ""));
    if (outlinedLabel) rows.push(legendRow(outlinedLabel, "transparent", "hexbeat-outlined"));
    if (dashedLabel) rows.push(legendRow(dashedLabel, "transparent", "hexbeat-dashed"));
    list.replaceChildren(...rows);
  };

  /** On a phone the page makes the frame lower than the map that streamlit-folium asked for; the legend is at its foot. */
  function keepInFrame(map) {
    if (window === window.parent) return;
    const container = map.getContainer();
    const limit = () => {
      const room = window.innerHeight;
      const tooHigh = Hexbeat.isNarrow(map) && room > LEAST_FRAME_PX && parseFloat(container.style.height) > room;
      const wanted = tooHigh ? `${room}px` : "";
      if (container.style.maxHeight === wanted) return;
      container.style.maxHeight = wanted;
      map.invalidateSize();
    };
    limit();
    window.addEventListener("resize", limit);
  }

  function legendRow(label, colour, className = "") {
    const row = Hexbeat.element("li", className);
    const swatch = Hexbeat.element("i");
    swatch.style.backgroundColor = colour;
    row.append(swatch, Hexbeat.element("span", "", label));
    return row;
  }
})();
