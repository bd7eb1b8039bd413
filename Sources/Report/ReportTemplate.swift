// The page's Mustache template. It is a string in the program, so that a built `betula` needs no file beside it.

/// The template of `report.html`.
let reportTemplate = """
  <!DOCTYPE html>
  <html lang="en">
  <head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{{title}}</title>
  <style>
  body { font: 17px/1.55 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.8rem; line-height: 1.2; margin-bottom: .2rem; }
  h2 { font-size: 1.3rem; margin-top: 2.4rem; border-bottom: 1px solid #ddd; padding-bottom: .2rem; }
  .question { font-size: 1.1rem; color: #333; }
  .conditions, .caption, .small { color: #555; font-size: .9rem; }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-size: .9rem; }
  th, td { padding: .3rem .7rem; border-bottom: 1px solid #e4e4e4; text-align: left; vertical-align: top; }
  th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  td a, th a { color: inherit; text-decoration: none; border-bottom: 1px dotted #999; }
  a { color: #0072b2; }
  figure { margin: 1.5rem 0 2rem; }
  figure img { max-width: 100%; height: auto; }
  code { font-size: .9em; overflow-wrap: anywhere; }
  dt { font-weight: 600; margin-top: .8rem; }
  dd { margin-left: 1.2rem; }
  .verdict-held { color: #00583f; font-weight: 600; }
  .verdict-not_held { color: #a33a00; font-weight: 600; }
  .verdict-not_decidable { color: #555; font-weight: 600; }
  :target { background: #fff6d6; }
  </style>
  </head>
  <body>
  <h1>{{title}}</h1>
  <p class="question">{{question}}</p>
  <p class="conditions">Study <code>{{study}}</code>, scale {{scale}}{{#conditions}} · {{.}}{{/conditions}}</p>

  <h2>Numbers</h2>
  <p class="small">Medians over the repeats. Each number links to its definition. An engine's throughput is read beside its CPU, transfers and amplification.</p>
  <div class="scroll"><table>
  <thead><tr><th>engine</th><th>phase</th>{{#heads}}<th class="number"><a href="#m-{{anchor}}">{{id}}</a></th>{{/heads}}</tr></thead>
  <tbody>
  {{#lines}}
  <tr><td>{{series}}</td><td>{{phase}}</td>{{#cells}}<td class="number">{{#isNumber}}<a href="#m-{{anchor}}">{{text}}</a>{{/isNumber}}{{^isNumber}}{{text}}{{/isNumber}}</td>{{/cells}}</tr>
  {{/lines}}
  </tbody></table></div>
  {{#hasAbsences}}
  <p>Not in the table:</p>
  <ul>
  {{#absences}}
  <li>{{series}}, {{phase}}: {{status}}: {{reason}}</li>
  {{/absences}}
  </ul>
  {{/hasAbsences}}
  {{#hasLimits}}

  <h2>Limits</h2>
  <ul>
  {{#limits}}
  <li>{{.}}</li>
  {{/limits}}
  </ul>
  {{/hasLimits}}

  <h2>Figures</h2>
  {{#hasNotes}}
  <ul>
  {{#notes}}
  <li>{{.}}</li>
  {{/notes}}
  </ul>
  {{/hasNotes}}
  {{#figures}}
  <figure id="{{name}}">
  {{#isDrawn}}<img src="figures/{{name}}.svg" alt="{{title}}. {{description}}">{{/isDrawn}}{{^isDrawn}}<p>{{title}}. {{description}}</p>{{/isDrawn}}
  <figcaption class="caption">{{subtitle}}. Shows {{#metrics}}<a href="#m-{{anchor}}">{{id}}</a> {{/metrics}}· <a href="figures/{{name}}.csv">data</a> · <a href="figures/{{name}}.gnuplot">script</a></figcaption>
  </figure>
  {{/figures}}
  {{#hasPredictions}}

  <h2>Predictions beside measurement</h2>
  <p class="small">A model never sees a measurement; the ratio is measured ÷ predicted. Data: <a href="figures/predictions.csv">predictions.csv</a></p>
  <div class="scroll"><table>
  <thead><tr><th>engine</th><th>phase</th><th>metric</th><th class="number">predicted</th><th class="number">measured</th><th class="number">ratio</th><th>model</th></tr></thead>
  <tbody>
  {{#predictions}}
  <tr><td>{{series}}</td><td>{{phase}}</td><td><a href="#m-{{anchor}}">{{id}}</a></td><td class="number">{{predicted}}</td><td class="number">{{measured}}</td><td class="number">{{ratio}}</td><td>{{model}}</td></tr>
  {{/predictions}}
  </tbody></table></div>
  {{/hasPredictions}}
  {{#hasClaims}}

  <h2>Claims</h2>
  <p class="small">Checked on 95 % bootstrap intervals over the repeats: held when the whole interval satisfies the sentence, not held when no part does, else not decidable.</p>
  <div class="scroll"><table>
  <thead><tr><th>claim</th><th>verdict</th><th>expected</th><th class="number">measured</th><th>why</th></tr></thead>
  <tbody>
  {{#claims}}
  <tr id="claim-{{id}}"><td>{{sentence}}<br><span class="small">{{id}}, {{metric}}. {{source}}</span></td><td class="verdict-{{verdict}}">{{words}}</td><td>{{expected}}<br><span class="small">{{tolerance}}</span></td><td class="number">{{measured}}</td><td>{{explanation}}</td></tr>
  {{/claims}}
  </tbody></table></div>
  {{/hasClaims}}

  <h2>Engines as read back</h2>
  <dl>
  {{#engines}}
  <dt>{{label}}</dt>
  <dd>{{engine}}{{#hasVersion}} {{version}}{{/hasVersion}}, format {{format}}. <code>{{settings}}</code></dd>
  {{/engines}}
  </dl>

  <h2>Made with</h2>
  <table>
  {{#facts}}
  <tr><th>{{name}}</th><td>{{value}}</td></tr>
  {{/facts}}
  </table>
  <h2>Files</h2>
  <div class="scroll"><table>
  <thead><tr><th>file</th><th class="number">bytes</th><th>SHA-256</th></tr></thead>
  <tbody>
  {{#files}}
  <tr><td><a href="{{file}}">{{file}}</a></td><td class="number">{{bytes}}</td><td><code>{{hash}}</code></td></tr>
  {{/files}}
  </tbody></table></div>

  <h2>Definitions</h2>
  <dl>
  {{#definitions}}
  <dt id="m-{{anchor}}">{{id}}</dt>
  <dd>{{label}}{{#hasUnit}}, {{unit}}{{/hasUnit}}; {{preference}}. {{formula}}{{#hasIncluded}} <em>Included:</em> {{included}}{{/hasIncluded}}{{#hasExcluded}} <em>Excluded:</em> {{excluded}}{{/hasExcluded}} <span class="small">{{clock}} Source: {{source}}</span></dd>
  {{/definitions}}
  </dl>
  </body>
  </html>

  """
