// Goal: a view of a value or a key cannot outlive the closure it is shown to: a program that keeps one does not compile.
// Method: the compiler is given small programs that keep a view in a variable, in an object, and in a closure that is called later;
// each must be refused because the view escapes. The control looks at a view and copies from it, and must compile.

import Foundation
import Testing

@Suite struct EscapingViewTests {
  /// A program and what its refusal says; nil for one that must compile.
  struct Program: Sendable, CustomStringConvertible {
    var description: String
    var refusal: String?
    var text: String
  }

  static let programs = [
    Program(
      description: "looks and copies", refusal: nil,
      text: """
        func look(_ view: any ReadView, _ key: [UInt8]) throws(EngineError) -> [UInt8] {
          var copy: [UInt8] = []
          _ = try view.get(key.span.bytes) { value in copy = bytes(of: value) }
          return copy
        }
        """),
    Program(
      description: "keeps a get's view in a variable", refusal: "escapes",
      text: """
        func keep(_ view: any ReadView, _ key: [UInt8]) throws(EngineError) -> Int {
          var kept = RawSpan()
          _ = try view.get(key.span.bytes) { value in kept = value }
          return kept.byteCount
        }
        """),
    Program(
      description: "keeps a batched get's view in a variable", refusal: "escapes",
      text: """
        func keep(_ view: any ReadView, _ keys: borrowing ReadBatch) throws(EngineError) -> Int {
          var kept = RawSpan()
          try view.getBatch(keys) { _, value in kept = value }
          return kept.byteCount
        }
        """),
    Program(
      description: "keeps a cursor's key in a variable", refusal: "escapes",
      text: """
        func keep(_ cursor: any Cursor) -> Int {
          var kept = RawSpan()
          cursor.withCurrent { key, _ in kept = key }
          return kept.byteCount
        }
        """),
    Program(
      description: "keeps a scan's value in a closure", refusal: "escapes",
      text: """
        func keep(_ cursor: any Cursor) throws(EngineError) -> () -> Int {
          var kept: () -> Int = { 0 }
          _ = try cursor.showNext(upTo: 1) { _, value in kept = { value.byteCount } }
          return kept
        }
        """),
    Program(
      description: "has a place for views in an object", refusal: "~Escapable",
      text: """
        final class Keeper {
          var kept: RawSpan?
        }
        """),
  ]

  /// The compiler's answer to a program, nil where there is no compiler or nothing to compile against.
  private func compile(_ program: Program) throws -> (isCompiled: Bool, output: String)? {
    let manager = FileManager.default
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard let folder = paths.first(where: { manager.isExecutableFile(atPath: "\($0)/swiftc") }),
      // Only Linux says where the running program is; elsewhere there is nothing to compile against.
      let test = try? manager.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    else { return nil }
    let products = URL(fileURLWithPath: test).deletingLastPathComponent()
    let modules = products.appendingPathComponent("Modules")
    let map = products.appendingPathComponent("CSystem.build/module.modulemap")
    guard manager.fileExists(atPath: modules.appendingPathComponent("KeyValue.swiftmodule").path),
      manager.fileExists(atPath: map.path)
    else { return nil }
    let source = manager.temporaryDirectory.appendingPathComponent("view-\(UUID().uuidString).swift")
    try Data("import KeyValue\nimport Primitives\n\n\(program.text)\n".utf8).write(to: source)
    // What is left over in the temporary folder is no failure.
    defer { try? manager.removeItem(at: source) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(folder)/swiftc")
    process.arguments = [
      "-emit-sil", "-o", "/dev/null", "-swift-version", "6", "-I", modules.path,
      "-Xcc", "-fmodule-map-file=\(map.path)", source.path,
    ]
    let pipe = Pipe()
    process.standardError = pipe
    process.standardOutput = pipe
    try process.run()
    let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus == 0, output)
  }

  @Test(arguments: programs)
  func aProgramThatKeepsAViewDoesNotCompile(program: Program) throws {
    guard let (isCompiled, output) = try compile(program) else {
      print("skipped: no compiler, or no modules to compile against")
      return
    }
    guard let refusal = program.refusal else {
      #expect(isCompiled, "\(output)")
      return
    }
    #expect(!isCompiled && output.contains(refusal), "\(output)")
  }
}
