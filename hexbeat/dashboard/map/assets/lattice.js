/* Cells as geometry. A lattice is one matrix and one bitmap; outlines are for the few places where no lattice holds.
 * Over edges of the icosahedron's faces there are several lattices, and outlines of the cells on the edge, as `parts`.
 *
 * Both kinds answer the same questions: how many cells (`count`), their corners and centres on the unit Mercator
 * square (`corners`: 12 numbers a cell, `centres`: 2), and which cell holds a place (`hit`: index, or -1).
 */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const DEGREE = Math.PI / 180;

  function bytes(base64) {
    const text = atob(base64);
    const made = new Uint8Array(text.length);
    for (let k = 0; k < made.length; k++) made[k] = text.charCodeAt(k);
    return made;
  }

  /** A reader of the packed bits that numpy.packbits writes: highest bit first. */
  function bitReader(base64) {
    const packed = bytes(base64);
    return (k) => (packed[k >> 3] & (128 >> (k & 7))) !== 0;
  }

  /** Whole numbers of one, two or four bytes, little-endian. */
  function wholeNumbers(base64, width) {
    const raw = bytes(base64);
    if (width === 1) return raw;
    return width === 2 ? new Uint16Array(raw.buffer) : new Uint32Array(raw.buffer);
  }

  /** `count` whole numbers of 1, 2, 4, 8, 16 or 32 bits; several in a byte begin with its highest bits. */
  function packedNumbers(base64, bits, count) {
    if (bits >= 8) return wholeNumbers(base64, bits / 8);
    const packed = bytes(base64);
    const made = new Uint8Array(count);
    const each = 8 / bits, mask = (1 << bits) - 1;
    for (let k = 0; k < count; k++) made[k] = (packed[Math.floor(k / each)] >> (8 - bits * ((k % each) + 1))) & mask;
    return made;
  }

  function mercator(lng, lat) {
    return [lng / 360 + 0.5, 0.5 - Math.asinh(Math.tan(lat * DEGREE)) / (2 * Math.PI)];
  }

  function unmercator(x, y) {
    return { lng: (x - 0.5) * 360, lat: Math.atan(Math.sinh((0.5 - y) * 2 * Math.PI)) / DEGREE };
  }

  function inverse3(m) {
    const [a, b, c, d, e, f, g, h, i] = m;
    const cofactors = [
      e * i - f * h, c * h - b * i, b * f - c * e,
      f * g - d * i, a * i - c * g, c * d - a * f,
      d * h - e * g, b * g - a * h, a * e - b * d,
    ];
    const determinant = a * cofactors[0] + b * cofactors[3] + c * cofactors[6];
    return cofactors.map((value) => value / determinant);
  }

  /** Nearest lattice point: round three axes that sum to zero, and correct the one with the largest error. */
  function roundHexagonal(i, j) {
    const x = i, z = -j, y = -x - z;
    let rx = Math.round(x), ry = Math.round(y), rz = Math.round(z);
    const dx = Math.abs(rx - x), dy = Math.abs(ry - y), dz = Math.abs(rz - z);
    if (dx > dy && dx > dz) rx = -ry - rz;
    else if (dy <= dz) rz = -rx - ry;
    return [rx, -rz];
  }

  /** Project lattice coordinates to the unit Mercator square. */
  function projector(m) {
    return (i, j, out, at) => {
      const x = m[0] * i + m[1] * j + m[2];
      const y = m[3] * i + m[4] * j + m[5];
      const z = m[6] * i + m[7] * j + m[8];
      out[at] = Math.atan2(y, x) / (2 * Math.PI) + 0.5;
      out[at + 1] = 0.5 - Math.asinh(z / Math.sqrt(x * x + y * y)) / (2 * Math.PI); // hypot takes five times as long
    };
  }

  /** Both corners that belong to each place (i, j), i + 2/3, j + 1/3 and i + 1/3, j + 2/3, for two rows of a lattice.
   *
   * A cell has these two of its own and four of its neighbours', so that two projections a cell give all six corners.
   */
  function cornerRows(project, height) {
    const rows = [new Float64Array(4 * (height + 1)), new Float64Array(4 * (height + 1))];
    const held = [NaN, NaN];
    return (i, j) => {
      const row = rows[i & 1], at = 4 * (j + 1);
      if (held[i & 1] !== i) {
        held[i & 1] = i;
        row.fill(NaN);
      }
      if (Number.isNaN(row[at])) {
        project(i + 2 / 3, j + 1 / 3, row, at);
        project(i + 1 / 3, j + 2 / 3, row, at + 2);
      }
      return row;
    };
  }

  // Which of a place's two corners the six corners of a cell are: step in i, step in j, 0 for the first and 2 for the second.
  const SHARED = [[0, 0, 0], [0, 0, 2], [-1, 0, 0], [-1, -1, 2], [-1, -1, 0], [0, -1, 2]];

  function latticeGeometry({ matrix, width, height, mask }) {
    const packed = bytes(mask);
    const indexAt = new Int32Array(width * height).fill(-1);
    let count = 0;
    for (let k = 0; k < width * height; k++) if (packed[k >> 3] & (128 >> (k & 7))) indexAt[k] = count++;

    const project = projector(matrix);
    const cornersAt = cornerRows(project, height);
    const corners = new Float64Array(count * 12);
    const centres = new Float64Array(count * 2);
    for (let place = 0, cell = 0; cell < count; place++) {
      if (indexAt[place] < 0) continue;
      const i = Math.floor(place / height), j = place % height;
      project(i, j, centres, cell * 2);
      for (let corner = 0; corner < 6; corner++) {
        const [di, dj, which] = SHARED[corner];
        const row = cornersAt(i + di, j + dj), from = 4 * (j + dj + 1) + which, to = cell * 12 + corner * 2;
        corners[to] = row[from];
        corners[to + 1] = row[from + 1];
      }
      cell++;
    }

    const back = inverse3(matrix);
    function hit({ lat, lng }) {
      const x = Math.cos(lat * DEGREE) * Math.cos(lng * DEGREE);
      const y = Math.cos(lat * DEGREE) * Math.sin(lng * DEGREE);
      const z = Math.sin(lat * DEGREE);
      const scale = back[6] * x + back[7] * y + back[8] * z;
      const [i, j] = roundHexagonal(
        (back[0] * x + back[1] * y + back[2] * z) / scale,
        (back[3] * x + back[4] * y + back[5] * z) / scale,
      );
      return i < 0 || j < 0 || i >= width || j >= height ? -1 : indexAt[i * height + j];
    }
    return { count, corners, centres, hit };
  }

  /** Whether (px, py) lies in the ring of `length` numbers that starts at `from`: even-odd rule. */
  function inRing(xy, from, length, px, py) {
    let inside = false;
    for (let a = from, b = from + length - 2; a < from + length; b = a, a += 2) {
      const crosses = xy[a + 1] > py !== xy[b + 1] > py;
      if (crosses && px < ((xy[b] - xy[a]) * (py - xy[a + 1])) / (xy[b + 1] - xy[a + 1]) + xy[a]) inside = !inside;
    }
    return inside;
  }

  /** Six corners a cell as whole steps of `step` degrees from `origin` ([lng, lat]). */
  function outlineGeometry({ origin, step, width, offsets }) {
    const raw = bytes(offsets).buffer;
    const whole = width === 2 ? new Int16Array(raw) : new Int32Array(raw);
    const count = whole.length / 12;
    const corners = new Float64Array(count * 12);
    const centres = new Float64Array(count * 2);
    for (let k = 0; k < whole.length; k += 2) {
      const [x, y] = mercator(origin[0] + whole[k] * step, origin[1] + whole[k + 1] * step);
      corners[k] = x;
      corners[k + 1] = y;
      const cell = Math.floor(k / 12);
      centres[cell * 2] += x / 6;
      centres[cell * 2 + 1] += y / 6;
    }
    function hit({ lat, lng }) {
      const [px, py] = mercator(lng, lat);
      for (let cell = 0; cell < count; cell++) {
        const reach = Math.abs(corners[cell * 12] - corners[cell * 12 + 6]) + Math.abs(corners[cell * 12 + 1] - corners[cell * 12 + 7]);
        if (Math.abs(centres[cell * 2] - px) > reach || Math.abs(centres[cell * 2 + 1] - py) > reach) continue;
        if (inRing(corners, cell * 12, 12, px, py)) return cell;
      }
      return -1;
    }
    return { count, corners, centres, hit };
  }

  /** Several lattices, and outlines, as one: their cells one after the other. */
  function joinedGeometry(parts) {
    const geometries = parts.map(Hexbeat.geometry);
    const count = geometries.reduce((sum, part) => sum + part.count, 0);
    const corners = new Float64Array(count * 12);
    const centres = new Float64Array(count * 2);
    let from = 0;
    for (const part of geometries) {
      part.from = from;
      corners.set(part.corners, from * 12);
      centres.set(part.centres, from * 2);
      from += part.count;
    }
    function hit(latlng) {
      for (const part of geometries) {
        const cell = part.hit(latlng);
        if (cell >= 0) return part.from + cell;
      }
      return -1;
    }
    return { count, corners, centres, hit };
  }

  Hexbeat.geometry = (data) => {
    if (data.parts) return joinedGeometry(data.parts);
    return data.mask === undefined ? outlineGeometry(data) : latticeGeometry(data);
  };
  Object.assign(Hexbeat, { bitReader, packedNumbers, wholeNumbers, mercator, unmercator, inRing });
})();
