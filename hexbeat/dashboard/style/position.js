/* "Where I am": asks the browser for its position when the button is pressed, and never otherwise. */
export default function ({ parentElement, setTriggerValue }) {
  const button = parentElement.querySelector("button");
  const status = parentElement.querySelector("[role=status]");
  const DENIED = 1;

  const fail = (error) => {
    button.disabled = false;
    status.textContent =
      error && error.code === DENIED
        ? "This browser may not say where you are. Allow it in its settings, or type a place."
        : "This browser does not know where you are. Type a place.";
  };

  button.onclick = () => {
    if (!navigator.geolocation) {
      fail();
      return;
    }
    button.disabled = true;
    status.textContent = "Finding where you are …";
    const succeed = ({ coords }) => {
      button.disabled = false;
      status.textContent = "";
      setTriggerValue("position", { lat: coords.latitude, lon: coords.longitude });
    };
    navigator.geolocation.getCurrentPosition(succeed, fail, { enableHighAccuracy: true, maximumAge: 0, timeout: 15000 });
  };
}
