// Goal (rooms): the core has no dependency but the standard library and the system shim, and nobody imports upwards.
// Method: every import of every source file is held against the list of who may know whom; a file that breaks the rule on purpose
// is noticed. The package's own targets name the same neighbours, or the build would fail.

import Foundation
import Testing

@Suite struct RoomTests {
  /// What a core room may import beside the standard library.
  private static let core: [String: Set<String>] = [
    "Primitives": ["CSystem"],
    "Accounting": ["Primitives"],
    "Storage": ["Accounting", "Primitives", "CSystem"],
    "KeyValue": ["Accounting", "Primitives"],
    "CostModel": ["Primitives"],
    "Workload": ["KeyValue", "Primitives"],
    "BTree": ["KeyValue", "Storage", "Accounting", "Primitives", "CSystem"],
    "BEpsilonTree": ["KeyValue", "Storage", "Accounting", "Primitives", "CSystem"],
    "SimpleEngines": ["KeyValue", "Storage", "Accounting", "Primitives"],
    "SQLiteBaseline": ["KeyValue", "Storage", "Accounting", "Primitives", "CSQLite", "CSystem"],
  ]
  /// Parts of the standard library and of the C library below it.
  private static let standard: Set<String> = ["Swift", "Synchronization", "Glibc", "Darwin"]

  private static func sources() throws -> URL {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return root.appendingPathComponent("Sources")
  }

  /// The modules a text imports.
  private static func imports(of text: String) -> [String] {
    text.split(separator: "\n").compactMap { line in
      var words = line.split(separator: " ").map(String.init)
      while let first = words.first,
        first.hasPrefix("@") || ["public", "internal", "package"].contains(first)
      {
        words.removeFirst()
      }
      guard words.first == "import", words.count > 1 else { return nil }
      let name = ["struct", "class", "enum", "func", "protocol"].contains(words[1]) ? words.last : words[1]
      return name?.split(separator: ".").first.map(String.init)
    }
  }

  private static func strangers(in text: String, of room: String) -> [String] {
    imports(of: text).filter { !standard.contains($0) && core[room]?.contains($0) != true }
  }

  @Test(arguments: core.keys.sorted())
  func aCoreRoomImportsItsNeighboursOnly(room: String) throws {
    let folder = try Self.sources().appendingPathComponent(room)
    let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
    var count = 0
    for case let file as URL in files where file.pathExtension == "swift" {
      count += 1
      let strangers = Self.strangers(in: try String(contentsOf: file, encoding: .utf8), of: room)
      #expect(strangers.isEmpty, "\(file.lastPathComponent) imports \(strangers)")
    }
    #expect(count > 0)
  }

  @Test func aStrangerIsNoticed() {
    #expect(Self.strangers(in: "import Primitives\nimport Foundation\n", of: "Accounting") == ["Foundation"])
    #expect(Self.strangers(in: "@testable import struct BTree.Node\n", of: "Storage").isEmpty == false)
    #expect(Self.strangers(in: "public import Experiment\n", of: "BTree") == ["Experiment"])
    #expect(Self.strangers(in: "// import Foundation\nimport Glibc\n", of: "Primitives").isEmpty)
  }

  @Test func thePackageGivesTheCoreNoProducts() throws {
    let manifest = try String(
      contentsOf: try Self.sources().deletingLastPathComponent().appendingPathComponent("Package.swift"),
      encoding: .utf8)
    // A product enters a target by one of these names only.
    let products = manifest.split(separator: "\n").filter { $0.contains(".product(") }
    #expect(!products.isEmpty)
    for room in Self.core.keys {
      guard let start = manifest.range(of: "room(\"\(room)\"") ?? manifest.range(of: "\"\(room)\",\n") else {
        Issue.record("\(room) is no target")
        continue
      }
      let rest = manifest[start.lowerBound...]
      let end = rest.range(of: "]")?.upperBound ?? rest.endIndex
      for product in ["yams", "argumentParser", "histogram", "mustache", ".product("] {
        #expect(!rest[..<end].contains(product), "\(room) takes \(product)")
      }
    }
  }
}
