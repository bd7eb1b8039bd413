// Numbers as people write them in a study: `1_000_000`, `64MiB`, `1.5`.
//
//   integer   [-] digits, `_` between digits
//   real      integer [. digits] [e [±] digits]
//   size      integer or real, then nothing (bytes) or one of B KiB MiB GiB TiB; whole bytes only
//
// Invariants
// 1. What `format` writes, `parse` reads back to the same value.
// 2. A refused text is answered with the reason, never with a default.

/// Why a text is not the number it should be.
public struct QuantityError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The text as given.
  public var text: String
  /// The reason, a clause.
  public var reason: String

  /// A refused text and the reason.
  public init(text: String, reason: String) {
    self.text = text
    self.reason = reason
  }

  /// The sentence for the user.
  public var description: String { "'\(text)' is refused: \(reason)" }
}

/// Parsing and formatting of numbers with units.
public enum Quantity {
  /// The size units, smallest first, with their bytes.
  static let units: [(name: String, byteCount: Int)] = [
    ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
  ]

  /// A whole number: `1_000_000`, `-3`.
  public static func parseInteger(_ text: String) throws(QuantityError) -> Int {
    let digits = try separatorsRemoved(text, of: text)
    if let value = Int(digits) { return value }
    if isInteger(digits) { throw QuantityError(text: text, reason: "it is beyond the 64-bit integers") }
    if isReal(digits) {
      throw QuantityError(text: text, reason: "a whole number is expected, without a fraction")
    }
    throw QuantityError(text: text, reason: "it is not a whole number such as 1_000_000")
  }

  /// A real number: `1.5`, `2e-3`, `1_000`.
  public static func parseReal(_ text: String) throws(QuantityError) -> Double {
    let digits = try separatorsRemoved(text, of: text)
    guard isReal(digits), let value = Double(digits) else {
      throw QuantityError(text: text, reason: "it is not a number such as 1.5 or 2e-3")
    }
    guard value.isFinite else { throw QuantityError(text: text, reason: "it is beyond the finite numbers") }
    return value
  }

  /// A size in bytes: `4096`, `64MiB`, `1.5GiB`. Zero or more; a fraction must come out at whole bytes.
  public static func parseByteCount(_ text: String) throws(QuantityError) -> Int {
    let numberEnd = text.firstIndex { $0.isLetter } ?? text.endIndex
    var number = text[..<numberEnd]
    while number.last == " " { number.removeLast() }
    let unitName = String(text[numberEnd...])
    let unit = try unitByteCount(unitName, text: text)
    if number.isEmpty { throw QuantityError(text: text, reason: "the number before the unit is missing") }
    if number.first == "-" { throw QuantityError(text: text, reason: "a size is not negative") }
    let digits = try separatorsRemoved(String(number), of: text)
    let parts = digits.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard isDigits(parts[0]), parts.count == 1 || isDigits(parts[1]) else {
      throw QuantityError(text: text, reason: "'\(number)' is not a number such as 64 or 1.5")
    }
    let tooLarge = QuantityError(text: text, reason: "it is beyond the 64-bit integers")
    guard let whole = Int(parts[0]) else { throw tooLarge }
    let (wholeBytes, overflow) = whole.multipliedReportingOverflow(by: unit)
    if overflow { throw tooLarge }
    guard parts.count == 2 else { return wholeBytes }
    // The fraction f / 10^k of a unit is whole bytes exactly when 10^k divides f · unit.
    let fraction = String(parts[1].reversed().drop { $0 == "0" }.reversed())
    if fraction.isEmpty { return wholeBytes }
    var scale = 1
    for _ in fraction.utf8 {
      let (next, scaleOverflow) = scale.multipliedReportingOverflow(by: 10)
      if scaleOverflow { throw QuantityError(text: text, reason: "its fraction has more than 18 digits") }
      scale = next
    }
    guard let numerator = Int(fraction) else { throw tooLarge }
    let product = numerator.multipliedFullWidth(by: unit)
    let (quotient, remainder) = scale.dividingFullWidth(product)
    guard remainder == 0 else { throw QuantityError(text: text, reason: "it is not a whole number of bytes") }
    let (sum, sumOverflow) = wholeBytes.addingReportingOverflow(quotient)
    if sumOverflow { throw tooLarge }
    return sum
  }

  /// The shortest exact spelling of a size: the largest unit that divides it, `4KiB`, `1000B`.
  public static func formatByteCount(_ byteCount: Int) -> String {
    var best = units[0]
    for unit in units where byteCount != 0 && byteCount % unit.byteCount == 0 { best = unit }
    return "\(byteCount / best.byteCount)\(best.name)"
  }

  /// A whole number with `_` between groups of three digits: `1_000_000`.
  public static func formatInteger(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var text = value < 0 ? "-" : ""
    for (position, digit) in digits.enumerated() {
      if position > 0 && (digits.count - position) % 3 == 0 { text.append("_") }
      text.append(digit)
    }
    return text
  }

  private static func unitByteCount(_ name: String, text: String) throws(QuantityError) -> Int {
    if name.isEmpty { return 1 }
    for unit in units where unit.name == name { return unit.byteCount }
    let names = units.map(\.name)
    switch name.lowercased() {
    case "k", "kb", "m", "mb", "g", "gb", "t", "tb":
      let binary = name.prefix(1).uppercased() + "iB"
      throw QuantityError(
        text: text,
        reason: "unit '\(name)' may mean powers of 1,000 or of 1,024; write \(binary) or the number of bytes")
    default:
      let hint = nearestName(to: name, in: names).map { ", did you mean \($0)?" } ?? ""
      throw QuantityError(
        text: text, reason: "unit '\(name)' is none of \(names.joined(separator: ", "))\(hint)")
    }
  }

  /// The text without `_`, each of which must stand between two digits.
  private static func separatorsRemoved(_ text: String, of whole: String) throws(QuantityError) -> String {
    let bytes = Array(text.utf8)
    var kept: [UInt8] = []
    for (position, byte) in bytes.enumerated() {
      if byte != UInt8(ascii: "_") {
        kept.append(byte)
        continue
      }
      let hasDigits =
        position > 0 && position + 1 < bytes.count && isDigit(bytes[position - 1])
        && isDigit(bytes[position + 1])
      if !hasDigits { throw QuantityError(text: whole, reason: "'_' stands only between two digits") }
    }
    return String(decoding: kept, as: UTF8.self)
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
  }

  private static func isDigits(_ text: some StringProtocol) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy(isDigit)
  }

  private static func isInteger(_ text: some StringProtocol) -> Bool {
    let signed = text.hasPrefix("-") || text.hasPrefix("+")
    return isDigits(signed ? text.dropFirst() : text[...])
  }

  /// Whether the text is [sign] digits [. digits] [e [sign] digits]; excludes `inf`, `nan` and hexadecimal forms.
  private static func isReal(_ text: String) -> Bool {
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
    if parts.count == 2 && !isInteger(parts[1]) { return false }
    let mantissa = parts[0].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    return isInteger(mantissa[0]) && (mantissa.count == 1 || isDigits(mantissa[1]))
  }
}
