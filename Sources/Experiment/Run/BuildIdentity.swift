// What identifies the program that made a number: its own bytes, and which libraries it runs on.
//
//   hash of the executable's bytes  ⊕  hash of the name and size of every library loaded
//
// A commit would not do: two builds of one commit can differ in flags and compiler, and a working copy has no commit.
//
// Invariants
// 1. Two processes of one executable on one machine have the same identity.

import CSystem
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

  /// Name and size of each library loaded, sorted.
  private static func libraries() -> [String] {
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1 << 16) { buffer in
      let count = betula_loaded_libraries(buffer.baseAddress, buffer.count)
      return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return text.split(separator: "\n").map { name in
      // The name leads over links to the file whose name has the version.
      let path = URL(fileURLWithPath: String(name)).resolvingSymlinksInPath().path
      // Not a file (the kernel's own library): its name must do.
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      let byteCount = (attributes?[.size] as? NSNumber)?.intValue ?? 0
      return "\((path as NSString).lastPathComponent) \(byteCount)"
    }.sorted()
  }

  /// The path of this program.
  public static var executablePath: String {
    // Refused on a system without /proc: the first argument is the next best.
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments.first ?? ""
  }
}
