// A small vocabulary that no real engine can change, and studies made of it.

import Experiment
import KeyValue

enum Toy {
  /// Two engines, four phases, three distributions: enough for every rule of the grammar.
  static let vocabulary = StudyVocabulary(
    engines: [
      EngineDescriptor(
        name: "tree", summary: "A tree.",
        parameters: [
          ParameterDescriptor(
            "page_bytes", .bytes(512...(64 << 10)), default: .integer(4096), "Bytes of a page."),
          ParameterDescriptor("fill", .real(0.1...1), default: .real(0.7), "Fill of a page, a fraction."),
          ParameterDescriptor("mode", .choice(["off", "wal"]), default: .text("wal"), "How it logs."),
          ParameterDescriptor("checks", .boolean, default: .boolean(true), "Whether it checks."),
        ], formatVersion: 3,
        limits: { setting throws(EngineError) in
          guard setting.memoryBudgetByteCount >= 16 * setting.parameters.integer("page_bytes") else {
            throw .invalidParameters(reason: "a tree needs memory for 16 pages")
          }
          return DeclaredLimits(
            EngineLimits(
              maximumKeyByteCount: 512, maximumValueByteCount: 4096, offersSnapshots: true),
            keyReason: "an eighth of a page", valueReason: "a page")
        }),
      EngineDescriptor(
        name: "null", summary: "Keeps nothing.",
        parameters: [
          ParameterDescriptor("lanes", .integer(1...64), default: nil, "Lanes; must be said.")
        ], formatVersion: 1),
      EngineDescriptor(
        name: "heap", summary: "A heap.", parameters: [], absentBecause: "its library is not here",
        formatVersion: 1),
    ],
    workload: [
      ParameterDescriptor("records", .integer(1...1_000_000_000), default: nil, "Records to load."),
      ParameterDescriptor(
        "key_shape", .choice(["random", "sequential"]), default: .text("random"), "Shape."),
      ParameterDescriptor("key_bytes", .bytes(8...4096), default: .integer(16), "Bytes of a key."),
      ParameterDescriptor("value_bytes", .bytes(0...(1 << 20)), default: .integer(100), "Bytes of a value."),
    ],
    phases: [
      .init(
        "load", "Loads.", need: .loadsRecords,
        parameters: [
          ParameterDescriptor("order", .choice(["random", "sequential"]), default: .text("random"), "Order.")
        ]),
      .init(
        "read", "Reads.", need: .needsRecords,
        parameters: [
          operations,
          ParameterDescriptor(
            "operation", .choice(["get_hit", "scan"]), default: .text("get_hit"), "Which."),
          distribution, scanEntries,
        ]),
      .init(
        "mixed", "Mixes.", need: .needsRecords,
        parameters: [
          operations,
          ParameterDescriptor("mix.get_hit", .real(0...1e9), default: .real(0), "Weight of get_hit."),
          ParameterDescriptor("mix.put", .real(0...1e9), default: .real(0), "Weight of put."),
          ParameterDescriptor("mix.scan", .real(0...1e9), default: .real(0), "Weight of scan."),
          distribution, scanEntries,
        ]),
      .init("settle", "Settles.", need: .nothing),
    ],
    distributions: [
      .init("uniform", "All alike."), .init("zipf", "Skewed.", parameters: [theta]),
      .init("latest", "Newest most.", parameters: [theta]),
    ],
    deviceProfiles: ["plain", "slow"],
    figures: [.init("bars", "Bars."), .init("curve", "A curve.", takesMetric: true, takesAxis: true)],
    metrics: ["wa_total_end", "ra_ios"])

  private static let operations = ParameterDescriptor(
    "operations", .integer(0...1_000_000_000), default: .integer(1_000), "Number of operations.")
  private static let distribution = ParameterDescriptor(
    "distribution", .choice(["uniform", "zipf", "latest"]), default: .text("uniform"), "Which keys.")
  private static let scanEntries = ParameterDescriptor(
    "scan_entries", .integer(1...1_000_000), default: .integer(100), "Entries of a scan.")
  private static let theta = ParameterDescriptor("theta", .real(0...10), default: .real(0.99), "Skew.")

  /// A study without mistakes that uses every part of the grammar.
  static let study = """
    # Everything once.
    schema: 1
    study: everything
    title: "Everything: once"
    question: >
      Does the grammar hold
      what it promises?
    seed: 7
    repeats: 2
    memory_budget: data/8
    device: { kind: memory, capacity: 1GiB, transfer_unit: 4KiB, coalesce: true, profile: slow }
    workload:
      records: 1_000_000
      key_shape: random
      key_bytes: 16
      value_bytes: 100
    commit: { batch_operations: 100, sync_every_commits: 0 }
    engines:
      - engine: tree
        label: tree-wal
        parameters: { mode: wal, page_bytes: 8KiB }
      - engine: tree
        label: tree-off
        parameters: { mode: off, fill: 1 }
        records: 10_000
      - { engine: "null", parameters: { lanes: 4 } }
    phases:
      - { phase: load }
      - { phase: settle }
      - { phase: read, name: cold, operations: 100 }
      - { phase: settle }
      - { phase: read, name: hot, operations: 100, distribution: zipf, theta: 1.2 }
      - { phase: read, name: ranges, operation: scan, scan_entries: 10 }
      - { phase: mixed, operations: 50, mix: { get_hit: 50, put: 50 } }
    axes:
      engines.tree.page_bytes: [4KiB, 8KiB]
      workload.value_bytes: [100, 1KiB]
    scales:
      smoke: { workload.records: 1_000, repeats: 1, engines.tree-off.records: 100 }
      paper: {}
      narrow: { engines.tree.page_bytes: [4KiB], engines: [tree-wal] }
    figures:
      - { figure: bars, phase: load }
      - { figure: curve, phases: [cold, hot], metric: ra_ios, axis: engines.tree.page_bytes, title: Reads }
    """

  /// The study in as few lines as may be.
  static let small = """
    schema: 1
    study: small
    memory_budget: 1MiB
    workload: { records: 100 }
    engines:
      - { engine: tree }
    phases:
      - { phase: load }
      - { phase: read }
    """

  /// The listing of a study's problems, "" when there are none.
  static func listing(_ text: String, scale: String? = nil, sets: [String] = []) -> String {
    do {
      _ = try Study.decode(text, file: "s.yaml", scale: scale, sets: sets, vocabulary: vocabulary)
      return ""
    } catch {
      return error.description
    }
  }

  /// The study, which has no problems.
  static func decode(_ text: String, scale: String? = nil, sets: [String] = []) throws -> Study {
    try Study.decode(text, file: "s.yaml", scale: scale, sets: sets, vocabulary: vocabulary)
  }
}
