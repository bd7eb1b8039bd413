// What identifies the program that made a number: its own bytes, and which libraries it runs on.
//
//   hash of the executable's bytes  ⊕  hash of the name and size of every library loaded with code
//
// A commit would not do: two builds of one commit can differ in flags and compiler, and a working copy has no commit.
//
// Invariants
// 1. Two processes of one executable on one machine have the same identity.

import Foundation
import Storage

/// The identity of this program.
public enum BuildIdentity {
  /// 16 hexadecimal digits. Costs a pass over the executable, some 10 ms, once.
  public static let current: String = {
    var hash = ContentHash.mix(0x6275_696C_64)
    if let data = FileManager.default.contents(atPath: "/proc/self/exe") {
      hash = ContentHash.mix(hash ^ contentHash(Array(data)))
    }
    for library in libraries() { hash = ContentHash.mix(hash ^ contentHash(Array(library.utf8))) }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }()

  /// The hash of bytes of any number.
  static func contentHash(_ bytes: [UInt8]) -> UInt64 {
    var padded = bytes
    while padded.count % 8 != 0 { padded.append(0) }
    return padded.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return 0 }
      return ContentHash.mix(UInt64(bytes.count) ^ ContentHash.hash(base, buffer.count))
    }
  }

  /// Name and size of each file mapped with code, sorted, the executable excepted.
  private static func libraries() -> [String] {
    guard let data = FileManager.default.contents(atPath: "/proc/self/maps") else { return [] }
    let own = executablePath
    var files: Set<String> = []
    for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
      // address permissions offset device inode path
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard fields.count == 6, fields[1].contains("x") else { continue }
      let path = fields[5].trimmingCharacters(in: .whitespaces)
      guard path.hasPrefix("/"), path != own else { continue }
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)  // gone: its name must do
      let byteCount = (attributes?[.size] as? NSNumber)?.intValue ?? 0
      files.insert("\((path as NSString).lastPathComponent) \(byteCount)")
    }
    return files.sorted()
  }

  /// The path of this program.
  public static var executablePath: String {
    // Refused on a system without /proc: the first argument is the next best.
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments.first ?? ""
  }
}
