// Runs before the theme's and the widgets' scripts.

// The theme turns icon elements into SVG as they appear. A `Play` widget looks for its own icon elements,
// finds none, throws, and every link of its group dies silently; so icons are replaced once, at load.
window.FontAwesomeConfig = Object.assign(window.FontAwesomeConfig || {}, { observeMutations: false });
document.addEventListener("DOMContentLoaded", () => {
  if (window.FontAwesome && window.FontAwesome.config) window.FontAwesome.config.observeMutations = false;
});

// Where the widgets find their icon fonts when the site carries its own copies of them.
window.requirejs = { baseUrl: new URL("vendor/", document.currentScript.src).href };
