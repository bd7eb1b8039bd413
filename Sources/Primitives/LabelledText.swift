// What a recorded file says of itself: lines `name: value`, readable with `head`, behind its fixed header.
//
//   run: 3f0c6f7be1a2
//   engine: sqlite-wal
//   seed: 1234
//
// Invariants
// 1. A name is `a-z 0-9 _ .`, occurs once, and is followed by a colon and one space.
// 2. A value holds no line end; `init(bytes:)` refuses everything that `bytes` would not have written.

/// Names and values in their order.
public struct LabelledText: Equatable, Sendable {
  /// One line.
  public struct Line: Equatable, Sendable {
    /// What the value is.
    public var name: String
    /// The value.
    public var value: String
  }

  /// The most bytes a text may take, 64 KiB.
  public static let maximumByteCount = 64 << 10

  /// The lines in their order.
  public private(set) var lines: [Line] = []

  /// No lines.
  public init() {}

  /// The value of `name`, nil when there is none. Setting nil removes the line; a line end in a value becomes a space.
  public subscript(name: String) -> String? {
    get { lines.first { $0.name == name }?.value }
    set {
      precondition(Self.isName(name), "'\(name)' is no name of a line.")
      let index = lines.firstIndex { $0.name == name }
      guard let newValue else {
        if let index { lines.remove(at: index) }
        return
      }
      let value = String(decoding: newValue.utf8.map { $0 < 0x20 ? 0x20 : $0 }, as: UTF8.self)
      if let index {
        lines[index].value = value
      } else {
        lines.append(Line(name: name, value: value))
      }
      precondition(bytes.count <= Self.maximumByteCount, "A file's description is at most 64 KiB.")
    }
  }

  /// The text as it is written: UTF-8, every line ended.
  public var bytes: [UInt8] {
    var text: [UInt8] = []
    for line in lines { text += Array("\(line.name): \(line.value)\n".utf8) }
    return text
  }

  /// The lines that were written as `bytes`; nil when nothing writes these bytes.
  public init?(bytes: some Collection<UInt8>) {
    guard bytes.count <= Self.maximumByteCount else { return nil }
    var rest = Array(bytes)[...]
    while !rest.isEmpty {
      guard let end = rest.firstIndex(of: 0x0A), let colon = rest[..<end].firstIndex(of: 0x3A),
        colon + 1 < end, rest[colon + 1] == 0x20,
        let name = String(validating: rest[..<colon], as: UTF8.self), Self.isName(name),
        let value = String(validating: rest[(colon + 2)..<end], as: UTF8.self),
        value.utf8.allSatisfy({ $0 >= 0x20 }), self[name] == nil
      else { return nil }
      lines.append(Line(name: name, value: value))
      rest = rest[(end + 1)...]
    }
  }

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.allSatisfy { byte in
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x5F || byte == 0x2E
      }
  }
}
