// Goal: `betula inspect` and `betula verify` do what the guide says on volumes that `betula run` kept: text, JSON, exit
// status, and an image that is the same afterwards.
// Method: the built program on a small study of every engine; then bytes of the kept files are changed, cut, replaced.

import Foundation
import Results
import Testing

@Suite struct ImageCommandTests {
  private static let program: URL = {
    let own = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    return own.deletingLastPathComponent().appendingPathComponent("betula")
  }()

  private static let study = """
    schema: 1
    study: kept
    title: Kept volumes
    question: What do the volumes of a run hold?
    seed: 3
    repeats: 1
    memory_budget: 16MiB
    device: { kind: memory, capacity: 8MiB, profile: ssd-virtual }
    workload: { records: 400, key_bytes: 16, value_bytes: 100 }
    commit: { batch_operations: 20, sync_every_commits: 1 }
    engines:
      - engine: "null"
      - engine: append-log
      - engine: sorted-file
      - engine: sqlite
    phases:
      - { phase: load }
    """

  private static func betula(_ arguments: [String]) throws -> (status: Int32, output: String, errors: String)
  {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complained = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: said, as: UTF8.self),
      String(decoding: complained, as: UTF8.self)
    )
  }

  /// Runs the study once and gives the kept images by engine.
  private static func kept(_ body: (_ folder: String, _ images: [String: String]) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "/betula-kept-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    // Left behind only when the system refuses, which no test is about.
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try study.write(toFile: folder + "/study.yaml", atomically: true, encoding: .utf8)
    let run = try betula([
      "run", folder + "/study.yaml", "--out", folder + "/record", "--keep-volumes", folder + "/volumes",
      "--quiet",
    ])
    #expect(run.status == 0, "\(run.errors)")
    var images: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder + "/volumes").sorted()
    where name.hasSuffix(".json") {
      let path = folder + "/volumes/" + name
      let text = try Data(contentsOf: URL(fileURLWithPath: path))
      let note = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
      let engine = try #require(note["engine"] as? String)
      images[engine] = String(path.dropLast(5))
    }
    #expect(images.count == 4)
    try body(folder, images)
  }

  @Test func everyKeptVolumeIsSoundAndStaysAsItIs() throws {
    try Self.kept { folder, images in
      for (engine, path) in images.sorted(by: { $0.key < $1.key }) {
        let before = try Data(contentsOf: URL(fileURLWithPath: path))
        let verified = try Self.betula(["verify", path, "--strict"])
        #expect(
          verified.status == (engine == "null" ? 1 : 0), "\(engine): \(verified.output) \(verified.errors)")
        #expect(try Self.betula(["verify", path]).output.contains("sound"), "\(verified.output)")
        let shown = try Self.betula(["inspect", path])
        #expect(shown.status == 0)
        #expect(shown.output.contains("engine '\(engine)'"))
        #expect(shown.output.contains("study 'kept'"))
        let listing = try Self.betula(["inspect", path, "--json"])
        let object = try #require(
          try JSONSerialization.jsonObject(with: Data(listing.output.utf8)) as? [String: Any])
        #expect(object["engine"] as? String == engine)
        #expect(object["is_sound"] as? Bool == true)
        #expect(try Self.betula(["verify", path, "--json"]).output == listing.output)
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == before)
        // Without its note the image speaks for itself.
        try FileManager.default.removeItem(atPath: path + ".json")
        let alone = try Self.betula(["verify", path])
        #expect(alone.status == (engine == "null" ? 1 : 0), "\(engine): \(alone.output)")
      }
      let volume = try #require(images["sorted-file"])
      let sections = try Self.betula(["inspect", volume, "--superblocks"])
      #expect(sections.output.contains("slot 0 at offset 0"))
      #expect(!sections.output.contains("largest free extent"))
      #expect(folder.isEmpty == false)
    }
  }

  @Test func damageHasAPlaceAndAnExitStatus() throws {
    try Self.kept { folder, images in
      let path = try #require(images["sorted-file"])
      let listing = try Self.betula(["inspect", path, "--json"]).output
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(listing.utf8)) as? [String: Any])
      let owners = try #require(object["owners"] as? [[String: Any]])
      let piece = try #require(owners.first { $0["structure"] as? String == "sorted file piece" })
      let offset = try #require(piece["offset"] as? Int)
      var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      bytes[offset + 4_096 + 30] ^= 4
      try bytes.write(to: URL(fileURLWithPath: path))
      let damaged = try Self.betula(["verify", path])
      #expect(damaged.status == 1)
      #expect(damaged.output.contains("at offset \(offset + 4_096)"), "\(damaged.output)")
      #expect(try Self.betula(["inspect", path]).status == 1)

      let log = try #require(images["append-log"])
      let whole = try Data(contentsOf: URL(fileURLWithPath: log))
      try whole.prefix(100_000).write(to: URL(fileURLWithPath: log))
      let cut = try Self.betula(["verify", log])
      #expect(cut.status == 1)
      #expect(cut.output.contains("exceeds the device"), "\(cut.output)")
      try Data().write(to: URL(fileURLWithPath: log))
      #expect(try Self.betula(["verify", log]).status == 1)

      let huge = folder + "/huge"
      try Data("BETULAVO and garbage".utf8).write(to: URL(fileURLWithPath: huge))
      let handle = try #require(FileHandle(forWritingAtPath: huge))
      try handle.truncate(atOffset: 1 << 40)
      try handle.close()
      #expect(try Self.betula(["verify", huge]).status == 1)

      let text = folder + "/text"
      try "This is no image.".write(toFile: text, atomically: true, encoding: .utf8)
      let foreign = try Self.betula(["verify", text])
      #expect(foreign.status == 1)
      #expect(foreign.output.contains("neither as a volume nor as a file space"))
      #expect(try Self.betula(["verify", folder + "/missing"]).status == 66)
      #expect(try Self.betula(["verify", folder]).status == 66)
      #expect(try Self.betula(["verify"]).status == 64)
    }
  }
}
