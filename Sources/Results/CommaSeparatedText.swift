// Comma-separated text as RFC 4180 defines it, written and read without loss.
//
//   field   plain          a,b        no comma, quote, CR or LF; not empty
//           quoted         "a ""b"""  anything, quotes doubled
//           missing        ,,         nothing between the commas; `""` is the empty text, which is a value
//
// Invariants
// 1. read(write(rows)) = rows, missing fields and empty texts told apart.
// 2. Lines end in LF when written (gnuplot reads a CR as part of the last field); CRLF is read as well.
//
// Deviation from RFC 4180: the line end written is LF, and missing differs from empty. Spreadsheets read both.

/// Comma-separated text.
public enum CommaSeparatedText {
  /// One field as read, with its place in the text.
  public struct Field: Equatable, Sendable {
    /// nil when missing.
    public var value: String?
    /// The line it begins on, from 1.
    public var line: Int
    /// Its place in its record, from 1.
    public var column: Int
  }

  /// Where and why a text is not comma-separated text.
  public struct SyntaxError: Error, Equatable, Sendable {
    /// The line, from 1.
    public var line: Int
    /// The field's place in its line, from 1.
    public var column: Int
    /// A sentence.
    public var reason: String
  }

  /// Appends one record and its line end. A single missing field is written as such: an empty line.
  public static func append(_ fields: [String?], to text: inout String) {
    for (index, field) in fields.enumerated() {
      if index > 0 { text += "," }
      guard let field else { continue }
      text += spelled(field)
    }
    text += "\n"
  }

  /// A field as it is written.
  public static func spelled(_ field: String) -> String {
    let special = field.utf8.contains { byte in
      byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\n")
        || byte == UInt8(ascii: "\r")
    }
    if !special && !field.isEmpty { return field }
    var quoted: [UInt8] = [UInt8(ascii: "\"")]
    for byte in field.utf8 {
      if byte == UInt8(ascii: "\"") { quoted.append(byte) }
      quoted.append(byte)
    }
    quoted.append(UInt8(ascii: "\""))
    return String(decoding: quoted, as: UTF8.self)
  }

  /// Reads a whole text.
  ///
  /// - Throws: a quote inside a plain field, text after a closing quote, an unclosed quote, invalid UTF-8.
  public static func records(_ bytes: [UInt8]) throws(SyntaxError) -> [[Field]] {
    var parser = Parser(bytes: bytes)
    return try parser.parse()
  }

  private struct Parser {
    let bytes: [UInt8]
    var index = 0
    var line = 1
    var column = 1

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func parse() throws(SyntaxError) -> [[Field]] {
      var records: [[Field]] = []
      while index < bytes.count {
        var fields: [Field] = []
        column = 1
        repeat {
          fields.append(try field())
          column += 1
        } while skip(UInt8(ascii: ","))
        try endLine()
        records.append(fields)
      }
      return records
    }

    mutating func skip(_ byte: UInt8) -> Bool {
      guard index < bytes.count, bytes[index] == byte else { return false }
      index += 1
      return true
    }

    mutating func endLine() throws(SyntaxError) {
      if index == bytes.count { return }
      _ = skip(UInt8(ascii: "\r"))
      guard skip(UInt8(ascii: "\n")) else { throw error("a carriage return stands alone") }
      line += 1
    }

    mutating func field() throws(SyntaxError) -> Field {
      let startLine = line
      if skip(UInt8(ascii: "\"")) {
        return Field(value: try quoted(), line: startLine, column: column)
      }
      let start = index
      scan: while index < bytes.count {
        switch bytes[index] {
        case UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r"): break scan
        case UInt8(ascii: "\""): throw error("a quote stands inside a field that is not quoted")
        default: index += 1
        }
      }
      let value = start == index ? nil : try text(Array(bytes[start..<index]))
      return Field(value: value, line: startLine, column: column)
    }

    mutating func quoted() throws(SyntaxError) -> String {
      var content: [UInt8] = []
      let startLine = line
      while index < bytes.count {
        let byte = bytes[index]
        index += 1
        if byte != UInt8(ascii: "\"") {
          if byte == UInt8(ascii: "\n") { line += 1 }
          content.append(byte)
        } else if skip(UInt8(ascii: "\"")) {
          content.append(byte)
        } else {
          let closes = index == bytes.count || [UInt8(ascii: ","), 10, 13].contains(bytes[index])
          guard closes else { throw error("text follows a closing quote") }
          return try text(content)
        }
      }
      throw SyntaxError(line: startLine, column: column, reason: "a quoted field is not closed")
    }

    func text(_ content: [UInt8]) throws(SyntaxError) -> String {
      guard let text = String(validating: content, as: UTF8.self) else {
        throw error("the text is not UTF-8")
      }
      return text
    }

    func error(_ reason: String) -> SyntaxError {
      SyntaxError(line: line, column: column, reason: reason)
    }
  }
}
