// Chapters before entries of the library, and words in titles before words in the text.
var Scorer = {
  score: ([docname, title, anchor, descr, score]) =>
    docname.includes("/library_") || descr ? score - 100 : docname.includes("genindex") ? score - 200 : score,
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 25,
  partialTitle: 12,
  term: 5,
  partialTerm: 2,
};
