/* From cell to cell by Alt and arrow keys, Enter to choose, Escape to let go. What is reached is spoken.
 * Plain arrow keys still pan the map.
 */
(function () {
  "use strict";

  const Hexbeat = window.Hexbeat;
  const DIRECTIONS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /** The drawn cell nearest to a place on the unit Mercator square, by `cost(dx, dy)` (Infinity: not that one). */
  function nearest(layer, x, y, cost) {
    const { count, centres } = layer.geometry;
    let best = -1, least = Infinity;
    for (let cell = 0; cell < count; cell++) {
      if (!layer.classes[cell]) continue;
      const price = cost(centres[cell * 2] - x, centres[cell * 2 + 1] - y);
      if (price < least) [best, least] = [cell, price];
    }
    return best;
  }

  function fromTheMiddle(layer) {
    const { lat, lng } = layer._map.getCenter();
    const [x, y] = Hexbeat.mercator(lng, lat);
    return nearest(layer, x, y, Math.hypot);
  }

  /** Onward within 45 degrees of the arrow, over gaps too; sideways steps cost double. */
  function onward(layer, cell, [right, down]) {
    const { centres } = layer.geometry;
    const found = nearest(layer, centres[cell * 2], centres[cell * 2 + 1], (dx, dy) => {
      const along = dx * right + dy * down;
      const across = Math.abs(dx * down - dy * right);
      return along > 0 && across <= along ? along + 2 * across : Infinity;
    });
    return found < 0 ? cell : found;
  }

  function moveTo(layer, cell, speaker) {
    if (cell < 0) return;
    layer.focused = cell;
    layer._point(cell);
    const centre = layer.centreOf(cell);
    if (!layer._map.getBounds().pad(-0.1).contains(centre)) layer._map.panTo(centre);
    speaker.textContent = layer.sentenceOf(cell);
  }

  function onKey(event, layer, speaker) {
    const chosen = layer.focused >= 0 && layer.classes[layer.focused];
    if (event.key === "Escape") {
      layer.focused = -1;
      layer._point(-1);
    } else if (event.key === "Enter" && chosen) {
      layer.choose(layer.focused);
      speaker.textContent = `Chosen. ${layer.sentenceOf(layer.focused)}`;
    } else if (event.altKey && event.key in DIRECTIONS) {
      event.preventDefault();
      event.stopPropagation();
      moveTo(layer, chosen ? onward(layer, layer.focused, DIRECTIONS[event.key]) : fromTheMiddle(layer), speaker);
    }
  }

  Hexbeat.walkByKeys = (map, layer) => {
    const container = map.getContainer();
    if (container.querySelector(".hexbeat-speaker")) return;
    const speaker = Hexbeat.element("div", "hexbeat-speaker");
    speaker.setAttribute("aria-live", "polite");
    container.append(speaker);
    const listen = (event) => {
      if (event.target === container && layer._map) onKey(event, layer, speaker);
    };
    container.addEventListener("keydown", listen, { capture: true });
  };
})();
