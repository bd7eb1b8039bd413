// What every gnuplot script has in common: two terminals from one body, type sizes, title, conditions, margins.
//
//   ┌──────────────────────────────────────────────┐
//   │ Title                                        │  22 px
//   │ 1,000,000 records · batch 1,000 · …          │  15 px, grey: the limits of what is shown
//   │ ▪ legend                                     │  outside the data
//   │ sqlite      ▐██████████ 50.3                 │  17 px
//   │ append-log  ▐█ 1.02                          │
//   │             └┬────┬────┬────                 │
//   │              axis title (unit)               │
//   └──────────────────────────────────────────────┘
//
// Invariants
// 1. Positions are pixels turned into fractions of the canvas: the two terminals agree.
// 2. Text never passes gnuplot's markup (`noenhanced`): names keep their underscores.

/// One gnuplot script.
struct GnuplotScript {
  /// The base name of the figure's files.
  var name: String
  var title: String
  var subtitle: [String]
  /// The canvas in pixels.
  var width = 1000
  var height: Int
  /// Statements before the first plot, the same for both terminals.
  var prelude: [String] = []
  /// Statements that plot; run once per terminal.
  var body: [String] = []

  /// The height the title block takes, in pixels.
  var headHeight: Int { Self.headHeight(subtitleLines: subtitle.count) }

  /// The height a title block takes, in pixels.
  static func headHeight(subtitleLines: Int) -> Int { 52 + 21 * subtitleLines }

  /// How many characters of a line of the subtitle fit.
  static let subtitleCharacterCount = 116

  /// A pixel from the left as a fraction of the canvas.
  func x(_ pixel: Int) -> String { fraction(pixel, of: width) }

  /// A pixel from the top as a fraction of the canvas, which gnuplot counts from the bottom.
  func y(_ pixel: Int) -> String { fraction(height - pixel, of: height) }

  private func fraction(_ pixel: Int, of size: Int) -> String {
    Self.decimal(Double(pixel) / Double(size), places: 4)
  }

  /// A plain decimal number for a script.
  static func decimal(_ value: Double, places: Int) -> String {
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let units = Int64(value.magnitude * scale + 0.5)
    let fraction = String(units % Int64(scale))
    let sign = value < 0 && units != 0 ? "-" : ""
    return sign + "\(units / Int64(scale))." + String(repeating: "0", count: places - fraction.utf8.count)
      + fraction
  }

  /// A text as a gnuplot string: single quotes, doubled inside.
  static func quoted(_ text: String) -> String {
    "'" + text.map { $0 == "'" ? "''" : $0 == "\n" ? " " : String($0) }.joined() + "'"
  }

  /// `(text value, text value)` for `set xtics`.
  static func ticks(_ scale: AxisScale) -> String {
    "("
      + scale.ticks.map { "\(quoted($0.text.replacing("%", with: "%%"))) \($0.value)" }.joined(
        separator: ", ") + ")"
  }

  /// Statements that give axis `name` (x or y) a scale, ticks and a title, in smaller type where `length` pixels ask for it.
  static func axis(_ name: String, _ scale: AxisScale, title: String, length: Int = .max) -> [String] {
    let titled = title + (scale.isLogarithmic ? ", log scale" : "")
    let size = fittingSize(titled, length: length, from: 17)
    return [
      scale.isLogarithmic ? "set logscale \(name) 10" : "unset logscale \(name)",
      "set \(name)range [\(scale.lower):\(scale.upper)]", "set \(name)tics \(ticks(scale))",
      "set \(name)label \(quoted(titled)) noenhanced" + (size == 17 ? "" : " font ',\(size)'"),
    ]
  }

  /// Statements that write the title and the conditions.
  var titleLines: [String] {
    let titleSize = Self.fittingSize(title, length: width - 32, from: 22)
    var lines = [
      "set label 1 \(Self.quoted(title)) at screen 0.016, screen \(y(26)) left noenhanced font ',\(titleSize)'"
    ]
    for (index, line) in subtitle.enumerated() {
      lines.append(
        "set label \(index + 2) \(Self.quoted(line)) at screen 0.016, screen \(y(54 + 21 * index)) left "
          + "noenhanced font ',15' textcolor rgb '#555555'")
    }
    return lines
  }

  /// The script's text.
  var text: String {
    var lines = [
      "# \(title)", "# Draw again with: gnuplot \(name).gnuplot",
      "# Reads \(name).csv, writes \(name).svg and \(name).png.",
      "", "data = \(Self.quoted(name + ".csv"))", "set datafile separator comma",
      "set datafile columnheaders",
      "set encoding utf8", "set style fill solid 1.0 noborder",
      "set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'",
      "set border 3 linecolor rgb '#666666'",
      "set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'",
    ]
    lines += [
      "# Three digits that matter and a unit of thousands.",
      "grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)",
      "digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)",
      "short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) "
        + ": v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) "
        + ": v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) "
        + ": v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)",
    ]
    lines += prelude
    lines += [
      "", "do for [kind in 'svg png'] {",
      "  if (kind eq 'svg') {",
      "    set terminal svg size \(width),\(height) fixed font 'sans-serif,17' background rgb 'white'",
      "  } else {",
      "    set terminal pngcairo size \(width),\(height) font 'sans-serif,17' fontscale 0.75 background rgb 'white'",
      "  }",
      "  set output \(Self.quoted(name + ".")).kind",
    ]
    for line in ["unset label", "unset object"] + titleLines + body { lines.append("  " + line) }
    lines += ["  unset output", "}", ""]
    return lines.joined(separator: "\n")
  }

  /// Phrases joined by dots into lines that fit under the title.
  static func wrapped(_ phrases: [String]) -> [String] {
    var lines: [String] = []
    for phrase in phrases {
      if let last = lines.last, last.count + phrase.count + 3 <= subtitleCharacterCount {
        lines[lines.count - 1] = last + " · " + phrase
      } else {
        lines.append(phrase)
      }
    }
    return lines
  }

  /// The largest type up to `size`, in pixels, in which `text` takes at most `length`; `least` where none does.
  static func fittingSize(_ text: String, length: Int, from size: Int, atLeast least: Int = 11) -> Int {
    var fitting = size
    while fitting > least, textWidth(text, size: fitting) > length { fitting -= 1 }
    return fitting
  }

  /// About how wide `text` is in type of `size` pixels.
  static func textWidth(_ text: String, size: Int = 17) -> Int { text.count * size * 58 / 100 }
}
