"use strict";
// Shapes as block_drawing.py writes them, for the static page and for the map of the served page.
const HexbeatShapes = (() => {
  // "Mx yl dx dy dx dy ... z", once a ring.
  function rings(text) {
    return text.split("z").filter(Boolean).map((part) => {
      const numbers = part.match(/-?\d+/g).map(Number);
      const corners = [];
      let [x, y] = [0, 0];
      for (let k = 0; k < numbers.length; k += 2) {
        x += numbers[k];
        y += numbers[k + 1];
        corners.push([x, y]);
      }
      return corners;
    });
  }

  // The sides, as pairs of corners, between places of which `owner` says different things; only those around `only`,
  // if it is given. `places` are lists of rings.
  function sides(places, owner, only) {
    const found = new Map();
    places.forEach((place, index) => {
      for (const ring of place) {
        ring.forEach((start, k) => {
          const end = ring[(k + 1) % ring.length];
          const forward = start[0] < end[0] || (start[0] === end[0] && start[1] < end[1]);
          const key = forward ? `${start}L${end}` : `${end}L${start}`;
          if (!found.has(key)) found.set(key, { ends: [start, end], owners: [] });
          found.get(key).owners.push(owner[index]);
        });
      }
    });
    const differ = ({ owners }) => owners.length === 1 || owners[0] !== owners[owners.length - 1];
    const wanted = ({ owners }) => only === undefined || owners.includes(only);
    return [...found.values()].filter((side) => differ(side) && wanted(side)).map(({ ends }) => ends);
  }

  const path = (lines) => lines.map(([start, end]) => `M${start}L${end}`).join("");

  /** The middle of the box around a place. */
  function middle(place) {
    const [xs, ys] = [0, 1].map((axis) => place.flat().map((corner) => corner[axis]));
    return [xs, ys].map((all) => (Math.min(...all) + Math.max(...all)) / 2);
  }

  /** From a place (-1: from a point) onward within 45 degrees of the arrow to the next place of another number, over
   * places without one; sideways steps cost double. Without a place before: the nearest to the point. -1 if none. */
  function onward(middles, owners, chosen, point, [right, down]) {
    const [x, y] = chosen < 0 ? point : middles[chosen];
    let [best, least] = [-1, Infinity];
    middles.forEach((at, k) => {
      if (owners[k] < 0 || (chosen >= 0 && owners[k] === owners[chosen])) return;
      const [dx, dy] = [at[0] - x, at[1] - y];
      const along = chosen < 0 ? Math.hypot(dx, dy) : dx * right + dy * down;
      const across = chosen < 0 ? 0 : Math.abs(dx * down - dy * right);
      if (across > along || (chosen >= 0 && along <= 0)) return;
      if (along + 2 * across < least) [best, least] = [k, along + 2 * across];
    });
    return best;
  }

  return { rings, sides, path, middle, onward };
})();
