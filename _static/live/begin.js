
// Makes explorers live when the reader comes near, presses the button or followed a link. Before, nothing is loaded.
for (const root of document.querySelectorAll(".live-explorer:not([data-seen])")) {
  root.dataset.seen = "yes";
  const button = root.querySelector(".live-start"), note = root.querySelector(".live-status");
  const place = document.documentElement.dataset.content_root; // how the book's pages find their files
  if (place === undefined) {
    button.hidden = true;
    note.textContent = "Run this cell to move it here.";
    continue;
  }
  const base = `${place}_static/live/`;
  const load = (name) => new Promise((onload, failed) => {
    const onerror = () => failed(new Error(`${name} did not load`));
    document.head.append(Object.assign(document.createElement("script"), { src: base + name, onload, onerror }));
  });
  const begin = async () => {
    near.disconnect();
    button.disabled = true;
    note.textContent = "Loading …";
    try {
      window.invarianceLiveLoaded ??= load("aten.js").then(() => load("live.js"));
      await window.invarianceLiveLoaded;
      await invarianceLive.start(root, base);
    } catch (error) {
      window.invarianceLiveLoaded = window.invarianceLive ? window.invarianceLiveLoaded : undefined;
      button.disabled = false;
      note.textContent = `This did not work: ${error.message}. Check the connection, then try again.`;
    }
  };
  const seen = (entries) => entries.some((entry) => entry.isIntersecting) && begin();
  const near = new IntersectionObserver(seen, { rootMargin: "300px" });
  button.addEventListener("click", begin);
  const linked = new URLSearchParams(location.hash.slice(1)).get("live") === root.id.slice(5);
  if (linked) root.scrollIntoView();
  if (linked || !navigator.connection?.saveData) near.observe(root);
}
