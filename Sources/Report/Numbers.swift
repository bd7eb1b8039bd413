// Numbers for readers: few digits, thousands apart, never an exponent in a table. Pure, without a locale.

/// Spelling numbers.
package enum Numbers {
  /// What stands where there is no number.
  package static let missing = "–"

  /// Digits in groups of three: `1,234,567`.
  package static func grouped(_ value: UInt64) -> String {
    let digits = Array(String(value).utf8)
    var result: [UInt8] = []
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { result.append(UInt8(ascii: ",")) }
      result.append(digit)
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// `value` with `places` decimals, rounded half away from zero, thousands apart.
  package static func fixed(_ value: Double, places: Int) -> String {
    precondition(places >= 0 && places <= 9, "Between no and nine decimals.")
    var scale: UInt64 = 1
    for _ in 0..<places { scale *= 10 }
    let scaled = value.magnitude * Double(scale) + 0.5
    guard scaled < 1e18 else { return String(value) }
    let units = UInt64(scaled)
    let sign = value < 0 && units > 0 ? "−" : ""
    guard places > 0 else { return sign + grouped(units) }
    let fraction = String(units % scale)
    let padded = String(repeating: "0", count: places - fraction.utf8.count) + fraction
    return sign + grouped(units / scale) + "." + padded
  }

  /// About three significant digits: `5,013`, `50.3`, `1.02`, `0.0125`, `0`.
  package static func short(_ value: Double) -> String {
    let size = value.magnitude
    if size == 0 { return "0" }
    if size >= 99.95 { return fixed(value, places: 0) }
    if size >= 9.995 { return fixed(value, places: 1) }
    if size >= 0.9995 { return fixed(value, places: 2) }
    if size >= 0.00995 { return fixed(value, places: 3) }
    if size >= 0.0000995 { return fixed(value, places: 5) }
    return String(value)
  }

  /// A count in few characters: `20 k`, `1.5 M`.
  static func compact(_ count: UInt64) -> String {
    for (size, unit) in [(UInt64(1_000_000_000), "G"), (1_000_000, "M"), (1_000, "k")] where count >= size {
      if count % size == 0 { return "\(count / size) \(unit)" }
      return "\(fixed(Double(count) / Double(size), places: 1)) \(unit)"
    }
    return String(count)
  }

  /// A text cut to at most `count` characters, the cut shown.
  static func clipped(_ text: String, to count: Int) -> String {
    text.count <= count ? text : String(text.prefix(count - 1)) + "…"
  }

  /// Bytes in the largest binary unit that keeps at least one whole: `14 MiB`, `1.50 GiB`, `100 B`.
  package static func bytes(_ count: UInt64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var unit = 0
    var size: UInt64 = 1
    while unit < units.count - 1 && count / size >= 1024 {
      size *= 1024
      unit += 1
    }
    if count % size == 0 { return "\(count / size) \(units[unit])" }
    return "\(short(Double(count) / Double(size))) \(units[unit])"
  }
}
