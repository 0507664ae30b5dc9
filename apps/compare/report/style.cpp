#include "report/style.hpp"

namespace comparison {

const char* const report_style = R"css(
:root {
  color-scheme: light dark;
  --paper: #ffffff; --ink: #1d2127; --quiet: #5b6470; --line: #d5dae0; --panel: #f5f7f9;
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --ink: #e4e8ec; --quiet: #9aa4b0; --line: #353c45; --panel: #1c2026; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 78rem;
  background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.2rem 0 .6rem; }
p.made { margin: 0; color: var(--quiet); }
section.answer li { margin: .45rem 0; max-width: 52rem; }
section.answer ul { padding-left: 1.2rem; margin: 0; }
.plots {
  display: grid; gap: 1.2rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr));
}
figure {
  margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: .5rem; min-width: 0;
}
figcaption b { display: block; font-size: 1.05rem; }
figcaption { color: var(--quiet); font-size: .92rem; }
figcaption b { color: var(--ink); }
figure > svg { display: block; width: 100%; height: auto; margin-top: .4rem; color: var(--ink); }
figure > svg * { font-family: inherit; }
.legend {
  list-style: none; margin: .5rem 0 0; padding: 0; display: flex; flex-wrap: wrap;
  gap: .1rem 1.1rem; font-size: .92rem;
}
.legend li { display: flex; align-items: center; gap: .4rem; overflow-wrap: anywhere; }
.key { height: 14px; flex: none; }
details { margin-top: .7rem; }
summary { cursor: pointer; color: var(--quiet); font-size: .92rem; }
.wide { overflow-x: auto; max-width: 100%; }
table {
  border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums;
  margin: .5rem 0;
}
th, td {
  text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: top;
}
th { color: var(--quiet); font-weight: 600; }
table.facts td { white-space: normal; overflow-wrap: anywhere; }
table.facts th { padding-right: 1.2rem; }
pre {
  background: var(--panel); border: 1px solid var(--line); border-radius: .4rem;
  padding: .7rem .9rem; overflow-x: auto;
}
@media (max-width: 40rem) {
  body { padding: 1rem .75rem 2rem; }
  figure { padding: .7rem .5rem; }
  h1 { font-size: 1.4rem; }
}
@media print {
  :root {
    color-scheme: light; --paper: #ffffff; --ink: #000000; --quiet: #444444; --line: #bbbbbb;
    --panel: #ffffff;
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .plots { grid-template-columns: 1fr 1fr; gap: .6rem; }
  figure, tr { break-inside: avoid; }
  figure details { display: none; }
  h2, h3 { break-after: avoid; }
  .wide { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td:nth-child(3) { white-space: normal; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
)css";

}  // namespace comparison
