// Goal: a recorded run is priced by its trace exactly as a live run under the same model would have been, phase by phase,
// and its phases of io.csv come out of the trace again.
// Method: every kind of phase with several engines; one trace held against a live run for each model, to the last bit;
// a trace with one transfer missing as the canary; files left and not left.

import Accounting
import EngineCatalogue
import Foundation
import KeyValue
import Primitives
import Results
import Storage
import Testing

@testable import Experiment

/// A folder for one test, removed afterwards.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "/betula-experiment-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    // Left behind only when the system refuses, which no test is about.
    try? FileManager.default.removeItem(atPath: path)
  }

  var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }
}

/// A study with every kind of phase; `head` goes before the engines.
func everyPhaseStudy(
  engine: String, phases: String? = nil, head: String = "", records: Int = 300
) -> String {
  """
  schema: 1
  study: traced
  seed: 7
  memory_budget: 2MiB
  device: { kind: memory, capacity: 256MiB, profile: ssd-virtual }
  workload: { records: \(records), value_distribution: uniform, value_bytes_min: 0, value_bytes_max: 90 }
  commit: { batch_operations: 40, sync_every_commits: 2 }
  \(head)
  engines:
    - \(engine)
  phases:
  \(phases ?? everyPhase)
  """
}

private let everyPhase = """
    - { phase: load, order: random }
    - { phase: settle }
    - { phase: reopen }
    - { phase: read, name: cold, operations: 120 }
    - { phase: drop_cache }
    - { phase: read, name: scans, operations: 15, operation: scan, scan_entries: 12, scan_order: reverse }
    - phase: mixed
      operations: 250
      mix: { get_hit: 30, get_miss: 5, overwrite: 20, put: 10, delete: 10, upsert_add: 5, upsert_append: 5,
             upsert_patch: 5, scan: 5, range_delete: 5 }
    - { phase: checkpoint }
  """

private let tracedEngines = [
  "{ engine: append-log }", "{ engine: sorted-file }",
  "{ engine: sqlite, parameters: { journal_mode: wal } }",
  "{ engine: sqlite, parameters: { journal_mode: delete } }",
]

func spec(_ text: String, file: String = "traced.yaml") throws -> RunSpec {
  let study = try Study.decode(text, file: file, vocabulary: .standard)
  return try #require(try Plan(study, vocabulary: .standard).runs.first)
}

func execute(
  _ spec: RunSpec, trace: TraceRequest? = nil, timeModel: TimeModel? = nil
) throws -> RunOutcome {
  let entry = try #require(engineEntry(named: spec.engine))
  return try RunExecutor(spec: spec, entry: entry, trace: trace, timeModel: timeModel).execute()
}

@Suite("Traces of runs")
struct TraceRunTests {
  /// Blocks below, at and above the transfer unit of 4 KiB, also one that does not divide it.
  private static let grid: ChargeGrid = {
    var grid = ChargeGrid(
      kinds: ChargeModel.Kind.allCases,
      profiles: [DeviceProfile.ssdVirtual, DeviceProfile.all[3], DeviceProfile.all[7]])
    grid.blockByteCounts = [1_000, 4_096, 65_536]
    grid.parallelBlockCounts = [1, 5]
    return grid
  }()

  @Test("one trace costs what each live run costs", arguments: tracedEngines)
  func recharge(engine: String) throws {
    let spec = try spec(everyPhaseStudy(engine: engine))
    let recorded = try execute(spec, trace: TraceRequest(.memory))
    #expect(recorded.failure == nil)
    let trace = try #require(recorded.trace)
    let models = Self.grid.models
    var reader = try TraceReader(bytes: trace)
    let table = try ChargeTable(&reader, models: models)
    var distinct: [TimeModel] = []
    for model in models where !distinct.contains(model.constants) { distinct.append(model.constants) }
    for constants in distinct {
      let live = try execute(spec, trace: TraceRequest(.memory), timeModel: constants)
      #expect(live.trace == trace, "a trace has no clock in it")
      for row in live.runs {
        let phase = row.phaseName
        for charged in table.rows where charged.phase == phase && charged.model.constants == constants {
          let what = "\(phase) under \(charged.model.name)"
          #expect(charged.readCount == row.deviceReadCount && charged.writeByteCount == row.deviceWriteBytes)
          switch charged.model.kind {
          case .dam:
            let blocks = row["dam_ios_\(constants.blockByteCount)"]
            #expect(blocks == charged.cost.blockCount.map { .count($0) }, "\(what)")
          case .affine: #expect(row.affineMs == charged.cost.seconds.map { $0 * 1000 }, "\(what)")
          case .pdam: #expect(row.pdamSteps == charged.cost.stepCount, "\(what)")
          case .profile: #expect(row.deviceS == charged.cost.seconds, "\(what)")
          }
        }
      }
    }
    let charged = Set(table.rows.map(\.phase))
    #expect(charged.isSuperset(of: spec.phases.map(\.name)))
  }

  @Test(
    "the phases of io.csv come out of the trace again, sequential transfers included",
    arguments: tracedEngines)
  func ledger(engine: String) throws {
    let spec = try spec(everyPhaseStudy(engine: engine))
    let outcome = try execute(spec, trace: TraceRequest(.memory))
    var reader = try TraceReader(bytes: try #require(outcome.trace))
    #expect(reader.description["run"] == spec.id)
    #expect(reader.description["label"] == spec.label)
    #expect(reader.description["profile"] == "ssd-virtual")
    let audit = try TraceAudit(&reader)
    #expect(audit.phases.map(\.phase) == spec.phases.map(\.name))
    let traced = audit.phases.flatMap { stretch in
      IORow.rows(runID: spec.id, phase: stretch.phase ?? "", ledger: stretch.ledger)
    }
    #expect(Table<IOColumns>.text(traced) == Table<IOColumns>.text(outcome.io))
    #expect(outcome.io.contains { ($0.streamSequential ?? 0) > 0 })
  }

  @Test("a trace that lacks one transfer is found out", arguments: [0, 40])
  func canary(omitted: Int) throws {
    let spec = try spec(everyPhaseStudy(engine: tracedEngines[1]))
    let outcome = try execute(spec, trace: TraceRequest(.memory))
    let trace = try #require(outcome.trace)
    var reader = try TraceReader(bytes: trace)
    let writer = try TraceWriter(
      destination: .memory, transferUnitByteCount: reader.transferUnitByteCount,
      capacityByteCount: reader.capacityByteCount, description: reader.description)
    var number = 0
    var batch = TransferBatch()
    while let step = try reader.next(into: &batch) {
      switch step {
      case .mark(let mark): writer.mark(mark)
      case .control(let operation): writer.record(operation)
      case .unmoved(let request): writer.record(request)
      case .batch:
        if number != omitted { writer.record(batch) }
        number += 1
      }
    }
    try writer.finish()
    #expect(writer.bytes != trace && number > omitted)
    let models = Self.grid.models
    var short = try TraceReader(bytes: writer.bytes)
    var whole = try TraceReader(bytes: trace)
    let less = try ChargeTable(&short, models: models)
    let full = try ChargeTable(&whole, models: models)
    for (a, b) in zip(less.rows, full.rows) where a.phase == ChargeTable.whole {
      #expect(a.cost != b.cost, "\(a.model.name)")
    }
  }

  @Test("a trace of one phase holds that phase alone")
  func onePhase() throws {
    let spec = try spec(everyPhaseStudy(engine: tracedEngines[2]))
    let whole = try execute(spec, trace: TraceRequest(.memory))
    let part = try execute(spec, trace: TraceRequest(.memory, phase: "cold"))
    #expect(Table<RunColumns>.text(part.runs) == Table<RunColumns>.text(whole.runs))
    var reader = try TraceReader(bytes: try #require(part.trace))
    let audit = try TraceAudit(&reader)
    #expect(audit.phases.map(\.phase) == ["cold"] && audit.outside == nil)
    let row = try #require(whole.runs.first { $0.phaseName == "cold" })
    #expect(audit.whole.ledger.total(.read).transferredByteCount == row.deviceReadBytes)
    #expect(reader.description["only_phase"] == "cold")
  }

  @Test("a trace is in the folder when its run ended well, and nothing else ever is")
  func files() throws {
    let place = try TemporaryFolder()
    let text = everyPhaseStudy(engine: "{ engine: append-log }")
    let plan = try Plan(Study.decode(text, file: "s", vocabulary: .standard), vocabulary: .standard)
    let options = StudyRunner.Options(keepTracesDirectory: place.path + "/kept")
    _ = try StudyRunner(plan: plan, options: options).run()
    let name = "\(plan.runs[0].id).trace"
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path + "/kept") == [name])
    var reader = try TraceReader(path: place.path + "/kept/" + name)
    #expect(try TraceAudit(&reader).phases.count == plan.runs[0].phases.count)
    // A failing and an interrupted run.
    let spec = try spec(text)
    let entry = try #require(engineEntry(named: "append-log"))
    let failing = EngineEntry(entry.descriptor) { _, _ throws(EngineError) in
      throw .unsupported(what: "this", reason: "a test")
    }
    let request = TraceRequest(.file(path: place.path + "/failed.trace"))
    #expect(try RunExecutor(spec: spec, entry: failing, trace: request).execute().failure != nil)
    var asked = 0
    let observer = RunObserver(isInterrupted: {
      asked += 1
      return asked > 3
    })
    #expect(throws: RunInterrupted.self) {
      _ = try RunExecutor(spec: spec, entry: entry, observer: observer, trace: request).execute()
    }
    #expect(try place.names == ["kept"])
  }

  @Test("models are named by what they use, each once")
  func names() throws {
    var grid = ChargeGrid(kinds: ChargeModel.Kind.allCases, profiles: [.ssdVirtual])
    #expect(
      grid.models.map(\.name) == [
        "dam B=4KiB", "affine ssd-virtual", "pdam B=4KiB P=4", "profile ssd-virtual",
      ])
    grid.blockByteCounts = [4_096, 65_536]
    grid.parallelBlockCounts = [1, 4]
    #expect(grid.models.count == 2 + 1 + 4 + 2)
    grid.setups = [try ChargeGrid.Duration("5ms"), try ChargeGrid.Duration("43µs")]
    grid.perBytes = [try ChargeGrid.Duration("1.09ns")]
    let names = grid.models.map(\.name)
    #expect(names.contains("affine s=5ms t=1.09ns") && names.contains("profile s=43us t=1.09ns P=4"))
    #expect(Set(names).count == names.count)
    #expect(try ChargeGrid.Duration("43us").seconds == 43e-6)
    for text in ["5", "ms", "-5ms", "1e3s", ".5s", "5 ms", "5min", "", "9999999s"] {
      #expect(throws: QuantityError.self, "\(text)") { _ = try ChargeGrid.Duration(text) }
    }
  }
}
