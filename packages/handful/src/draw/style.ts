/**
 * The page's style sheet: one column, system fonts, light and dark by the reader's setting, and a form for print. What is
 * wider than the screen scrolls by itself, never the page: a shade stands at the side where more of it is (the page's colour,
 * which moves along, covers it at the ends), and a line says so above figures.
 * Blue and orange keep their difference under all common forms of colour blindness (Okabe and Ito, 2008).
 */

export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --raised: #f5f6f8; --text: #1b1f24; --soft: #59636e; --line: #d8dde3;
  --learned: #0067ad; --baseline: #b35900; --heat: 0, 103, 173; --shade: rgba(0, 0, 0, 0.25);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --raised: #1d2228; --text: #e7eaee; --soft: #9da7b3; --line: #353c45;
    --learned: #63b3f4; --baseline: #f0a04b; --heat: 99, 179, 244; --shade: rgba(255, 255, 255, 0.28);
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1020px; padding: 40px 28px 80px; background: var(--page); color: var(--text);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-text-size-adjust: 100%;
}
header p { color: var(--soft); margin: 0; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -0.01em; overflow-wrap: anywhere; }
h2 { font-size: 21px; line-height: 1.3; margin: 56px 0 6px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 16px; margin: 28px 0 6px; }
p { margin: 6px 0 14px; max-width: 46em; }
a { color: var(--learned); }
.soft, figcaption, .caption { color: var(--soft); font-size: 14px; }
nav { margin: 18px 0 0; font-size: 14px; display: flex; flex-wrap: wrap; gap: 4px 18px; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }

.headline {
  display: grid; grid-template-columns: auto 1fr; gap: 8px 40px; align-items: center;
  margin: 26px 0 8px; padding: 26px 30px; background: var(--raised); border-radius: 12px;
}
.headline .figure { font-size: 60px; line-height: 1; font-weight: 700; letter-spacing: -0.03em; color: var(--learned); white-space: nowrap; }
.headline .figure.words { font-size: 34px; letter-spacing: -0.01em; color: var(--baseline); white-space: normal; max-width: 8em; line-height: 1.1; }
.headline .figure small { font-size: 0.5em; font-weight: 600; letter-spacing: 0; }
.headline .what { font-size: 18px; line-height: 1.4; margin: 0 0 6px; max-width: none; font-weight: 600; }
.headline ul { margin: 0; padding: 0; list-style: none; color: var(--soft); font-size: 15px; }
.note { margin: 10px 0; padding: 10px 16px; border-left: 4px solid var(--line); background: var(--raised); border-radius: 0 6px 6px 0; max-width: none; }

.wide {
  overflow-x: auto; background-repeat: no-repeat; background-attachment: local, local, scroll, scroll;
  background-position: left, right, left, right; background-size: 36px 100%, 36px 100%, 12px 100%, 12px 100%;
  background-image: linear-gradient(to right, var(--page) 40%, transparent), linear-gradient(to left, var(--page) 40%, transparent),
    linear-gradient(to right, var(--shade), transparent), linear-gradient(to left, var(--shade), transparent);
}
table { border-collapse: collapse; width: 100%; font-size: 15px; }
th { text-align: left; font-weight: 600; font-size: 13px; color: var(--soft); vertical-align: bottom; }
th, td { padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line); }
table.narrow { width: auto; } table.narrow td { padding-right: 36px; }
td.number, th.number { text-align: right; white-space: nowrap; }
tbody tr:last-child > * { border-bottom: 0; }
tr.chosen td { font-weight: 650; }
.tag { display: inline-block; font-size: 12px; font-weight: 600; padding: 1px 8px; border-radius: 9px; background: var(--learned); color: var(--page); margin-left: 8px; white-space: nowrap; }
.learned-name::before, .baseline-name::before { content: ""; display: inline-block; width: 10px; height: 10px; margin-right: 9px; background: var(--learned); border-radius: 50%; }
.baseline-name::before { background: var(--baseline); border-radius: 0; }

.interval { width: 260px; height: auto; display: block; } .interval .learned { color: var(--learned); } .interval .baseline { color: var(--baseline); }
figure { margin: 10px 0; } figcaption { margin-top: 4px; }
figure.drawn { margin: 18px 0 26px; container-type: inline-size; } figure.drawn .f-page { fill: none; } .sideways { display: none; } figure.drawn svg, figure.drawn img { display: block; width: 100%; height: auto; }
.bar { display: inline-block; width: 130px; height: 9px; background: var(--line); border-radius: 2px; vertical-align: middle; }
.bar i { display: block; height: 100%; background: var(--learned); border-radius: 2px; }

.confusion { width: auto; margin: 10px 0; font-size: 13px; border-spacing: 2px; border-collapse: separate; }
.confusion th, .confusion td { border: 0; padding: 0 6px; min-width: 44px; height: 34px; text-align: center; vertical-align: middle; color: var(--text); }
.confusion td { background: rgba(var(--heat), var(--share)); border-radius: 3px; }
.confusion td.right { outline: 1.5px solid var(--soft); outline-offset: -1.5px; }
.confusion td.dense { color: var(--page); }
.confusion th[scope="row"] { text-align: right; padding-right: 10px; white-space: nowrap; }
.confusion .axis-name { color: var(--soft); font-weight: 400; font-size: 13px; }

.pictures { display: grid; grid-template-columns: repeat(8, minmax(0, 56px)); gap: 6px; flex: 1; }
.pictures figure { margin: 0; text-align: center; } .pictures .picture { width: 100%; height: auto; aspect-ratio: 1; }
.pictures figcaption { font-size: 11px; line-height: 1.25; margin: 2px 0 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.picture { width: 56px; height: 56px; object-fit: contain; background: var(--raised); border-radius: 3px; display: block; image-rendering: pixelated; }
.classes { display: grid; grid-template-columns: repeat(auto-fill, minmax(440px, 1fr)); gap: 4px 32px; }
.class { border-bottom: 1px solid var(--line); padding: 12px 0 14px; break-inside: avoid; min-width: 0; }
.class h3 { margin: 0 0 8px; overflow-wrap: anywhere; } .class h3 span { font-weight: 400; color: var(--soft); font-size: 14px; margin-left: 8px; }
.class .caption { margin: 8px 0 3px; font-size: 13px; }
.labelled { display: flex; gap: 14px; align-items: center; padding: 5px 0; break-inside: avoid; min-width: 0; }
.labelled b { flex: 0 0 4.5em; font-size: 14px; overflow-wrap: anywhere; }
.sheet { display: flex; flex-wrap: wrap; gap: 4px; } .sheet .picture { width: 52px; height: 52px; }
.alike { display: flex; gap: 4px; margin-bottom: 6px; } .alike .picture { flex: 0 1 52px; width: 52px; min-width: 0; height: auto; aspect-ratio: 1; } .alike .picture:first-child { margin-right: 12px; }
.sheet.pairs { row-gap: 12px; } .pair { display: flex; flex-direction: column; gap: 2px; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 0 40px; }

pre { background: var(--raised); padding: 12px 16px; border-radius: 6px; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; margin: 6px 0 12px; }
code, pre, .settings td { font: 13.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.settings th { width: 1%; white-space: nowrap; padding-right: 24px; vertical-align: top; font-weight: 400; } .settings td { overflow-wrap: anywhere; }
details { margin: 10px 0; } summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
ol.next { padding-left: 22px; } ol.next li { margin-bottom: 12px; } ol.next pre { margin: 4px 0; }

@media (max-width: 760px) {
  body { padding: 24px 16px 60px; }
  .headline { grid-template-columns: 1fr; padding: 20px; } .two, .classes { grid-template-columns: 1fr; }
  .labelled { display: block; } .labelled b { display: block; margin-bottom: 4px; }
  .confusion th[scope="row"] { white-space: normal; max-width: 8em; overflow-wrap: anywhere; }
  figure.drawn svg, figure.drawn img { min-width: var(--least); }
  .sideways { display: block; height: clamp(0px, (var(--least) - 100cqw) * 999, 1.6em); overflow: hidden; margin: 0; color: var(--soft); font-size: 13px; }
}
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --raised: #f3f4f6; --text: #000000; --soft: #444c55; --line: #c9ced4;
    --learned: #0067ad; --baseline: #b35900; --heat: 0, 103, 173;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 11pt; } nav { display: none; }
  h2, h3, summary { break-after: avoid; } tr, figure, .headline { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`
