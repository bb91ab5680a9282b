/* The base map: ward outlines under the cells, ward names above them. The wards of an area come in a script of their own,
 * `Hexbeat.addWards(id, {...})`, that a browser caches; a map asks for them by id.
 */
(function () {
  "use strict";

  const Hexbeat = (window.Hexbeat = window.Hexbeat || {});
  const areas = new Map();

  Hexbeat.addWards = (id, area) => areas.set(id, area);
  Hexbeat.areaOf = (id) => areas.get(id);

  const toLatLngs = (polygons) => polygons.map((rings) => rings.map((ring) => ring.map(([lng, lat]) => [lat, lng])));

  function addPane(map, name, zIndex) {
    const pane = map.createPane(name);
    pane.style.zIndex = zIndex;
    pane.style.pointerEvents = "none";
  }

  function nameMarker(ward) {
    const label = document.createElement("span");
    label.textContent = ward.name;
    const icon = L.divIcon({ html: label, className: "hexbeat-name", iconSize: null });
    return L.marker([ward.at[1], ward.at[0]], { icon, pane: "hexbeat-names", interactive: false, keyboard: false });
  }

  Hexbeat.drawWards = (map, area) => {
    addPane(map, "hexbeat-wards", 350);
    addPane(map, "hexbeat-borders", 405);
    addPane(map, "hexbeat-marks", 410);
    addPane(map, "hexbeat-names", 420);
    map.getPane("hexbeat-names").setAttribute("aria-hidden", "true");
    for (const ward of area.wards) {
      const outline = toLatLngs(ward.polygons);
      L.polygon(outline, { pane: "hexbeat-wards", interactive: false, className: "hexbeat-ward" }).addTo(map);
      L.polygon(outline, { pane: "hexbeat-borders", interactive: false, fill: false, className: "hexbeat-border" }).addTo(map);
    }
    const markers = area.wards.map((ward) => nameMarker(ward).addTo(map));
    const declutter = () => hideCollidingNames(map, area, markers);
    map.on("zoomend resize viewreset", declutter);
    map.whenReady(declutter);
  };

  const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

  /** Names of large wards come first; a name that would touch one already there, or dwarfs its ward, waits for zoom. */
  function hideCollidingNames(map, area, markers) {
    const shown = [];
    const boxes = markers.map((marker) => {
      const label = marker.getElement().firstChild;
      return { width: label.offsetWidth + 6, height: label.offsetHeight + 2 };
    });
    area.wards.forEach((ward, k) => {
      const { width, height } = boxes[k];
      const { x, y } = map.latLngToLayerPoint([ward.at[1], ward.at[0]]);
      const box = { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
      const room = map.latLngToLayerPoint([ward.south, ward.east]).subtract(map.latLngToLayerPoint([ward.north, ward.west]));
      const fits = width < room.x * 1.5 && height < room.y * 1.5 && !shown.some((other) => overlap(box, other));
      if (fits) shown.push(box);
      markers[k].getElement().style.visibility = fits ? "" : "hidden";
    });
  }

  /** The name of the ward that holds a place, or "" outside them all. */
  Hexbeat.wardNameAt = (map, { lat, lng }) => {
    const wards = map.hexbeat ? map.hexbeat.area.wards : [];
    const inPolygon = (rings) => rings.filter((ring) => Hexbeat.inRing(ring.flat(), 0, ring.length * 2, lng, lat)).length % 2 === 1;
    const near = (ward) => lat >= ward.south && lat <= ward.north && lng >= ward.west && lng <= ward.east;
    const found = wards.find((ward) => near(ward) && ward.polygons.some(inPolygon));
    return found ? found.name : "";
  };
})();
