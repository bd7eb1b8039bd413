// A plan, run: every run in the plan's order, and the record that comes of it. Nothing is written here; a record
// exists only when all runs are done.

import EngineCatalogue
import Foundation
import KeyValue
import Results
import Storage

/// Runs a plan.
public struct StudyRunner {
  /// How it is run.
  public struct Options {
    /// Where volumes are kept, nil for nowhere.
    public var keepVolumesDirectory: String?
    /// Where traces are kept as `<run id>.trace`, nil for nowhere.
    public var keepTracesDirectory: String?
    /// The folder whose commit the manifest names, nil for none.
    public var repository: String?
    /// The scale asked for; a word for the manifest.
    public var scale: String
    /// Who hears of progress and may interrupt.
    public var observer: RunObserver

    /// The defaults keep nothing and say nothing.
    public init(
      keepVolumesDirectory: String? = nil, keepTracesDirectory: String? = nil,
      repository: String? = nil, scale: String = "", observer: RunObserver = RunObserver()
    ) {
      self.keepVolumesDirectory = keepVolumesDirectory
      self.keepTracesDirectory = keepTracesDirectory
      self.repository = repository
      self.scale = scale
      self.observer = observer
    }
  }

  private let plan: Plan
  private let options: Options

  /// A runner for `plan`.
  public init(plan: Plan, options: Options = Options()) {
    self.plan = plan
    self.options = options
  }

  /// Runs everything.
  ///
  /// - Throws: `RunInterrupted`. Failed runs are rows of the record.
  public func run() throws(RunInterrupted) -> Record {
    let host = HostFacts.gather(repository: options.repository)
    let start = Self.now()
    var record = Record(
      manifest: Manifest(
        study: Manifest.Study(
          id: plan.study.name, title: plan.study.title, question: plan.study.question, scale: options.scale,
          resolved: JSONValue(plan.study.value)),
        figures: plan.study.figures,
        seeds: Array(Set(plan.runs.map(\.seed))).sorted(), program: host.program, machine: host.machine(plan),
        engines: [], start: start, end: start, claims: plan.study.claims))

    let totals = plan.runs.map { Self.operationCount($0) }
    let planTotal = totals.reduce(0, +)
    var planDone: UInt64 = 0
    for (index, spec) in plan.runs.enumerated() {
      guard let entry = engineCatalogue.first(where: { $0.descriptor.name == spec.engine }) else {
        preconditionFailure("A plan names engines of the catalogue only.")
      }
      if let absence = entry.descriptor.absentBecause {
        record.runs += AxisColumns.filled(
          RunExecutor.emptyRows(spec, status: .skipped, reason: absence), spec, plan.study)
        options.observer.noted("\(spec.label) skipped: \(absence)")
        planDone += totals[index]
        continue
      }
      var finishedPhases: UInt64 = 0
      var lastPhase = ("", UInt64(0))
      let executor = RunExecutor(
        spec: spec, entry: entry, observer: options.observer,
        keepVolumesDirectory: options.keepVolumesDirectory,
        trace: options.keepTracesDirectory.map { TraceRequest(.file(path: "\($0)/\(spec.id).trace")) }
      ) { phase, done, total in
        if phase != lastPhase.0 { finishedPhases += lastPhase.1 }
        lastPhase = (phase, done)
        options.observer.progressed(
          RunProgress(
            runIndex: index, runCount: plan.runs.count, label: spec.label, phase: phase,
            completedOperations: done, totalOperations: total,
            planCompletedOperations: planDone + finishedPhases + done, planTotalOperations: planTotal))
      }
      let outcome = try executor.execute()
      planDone += totals[index]
      if let failure = outcome.failure { options.observer.noted("\(spec.label) failed: \(failure)") }
      record.runs += AxisColumns.filled(outcome.runs, spec, plan.study)
      record.io += outcome.io
      record.series += outcome.series
      record.histograms += outcome.histograms
      record.timing += outcome.timing
      record.latency += outcome.latency
      addReadBack(spec, outcome, to: &record.manifest)
    }
    record.manifest.end = Self.now()
    record.manifest.limits = limits
    return record
  }

  private func addReadBack(_ spec: RunSpec, _ outcome: RunOutcome, to manifest: inout Manifest) {
    guard !manifest.engines.contains(where: { $0.label == spec.label }) else { return }
    var settings: [String: String] = [:]
    for (name, value) in outcome.settings { settings[name] = value }
    manifest.engines.append(
      Manifest.EngineReadBack(
        label: spec.label, engine: spec.engine, libraryVersion: settings["library_version"],
        formatVersion: spec.engineFormatVersion, settings: settings))
  }

  /// What the numbers do not say.
  private var limits: [String] {
    var sentences: [String] = []
    let device = plan.study.device
    if device.kind == .memory {
      sentences.append(
        "I/O is counted on a memory device and exact; device_s is modelled with profile '\(device.profile)'. "
          + "Only timing.csv and latency.csv depend on this machine.")
    } else {
      sentences.append(
        "Times are of one machine and one file system; counts are the device seam's own (\(device.access.rawValue) I/O)."
      )
    }
    if plan.study.repeats < 3 {
      sentences.append(
        "\(plan.study.repeats == 1 ? "One repeat" : "\(plan.study.repeats) repeats"): counts are exact for this seed, "
          + "no interval is given; timings are single measurements.")
    }
    if let stream = plan.study.stream {
      let hash = stream.contentHash.prefix(16)
      sentences.append("Operations are replayed from '\(stream.path)', whose SHA-256 begins with \(hash).")
    }
    let sizes = Set(plan.runs.map(\.records)).sorted()
    if sizes.count > 1 {
      sentences.append(
        "Engines ran with different numbers of records (\(sizes.map(String.init).joined(separator: ", "))): "
          + "those with O(n) operations get what they can bear. Compare within one size.")
    }
    return sentences
  }

  /// Operations of all phases of a run.
  private static func operationCount(_ spec: RunSpec) -> UInt64 {
    spec.phases.reduce(0) { sum, phase in
      if phase.kind == "load" { return sum + UInt64(spec.records) }
      if phase.kind == StudyStream.replayKind {
        return sum + (spec.stream?.section(named: phase.name)?.operationCount ?? 0)
      }
      if case .integer(let count)? = phase.parameters["operations"] { return sum + UInt64(count) }
      return sum
    }
  }

  private static func now() -> String { Date().formatted(.iso8601) }
}

extension JSONValue {
  /// A study's value as JSON.
  init(_ value: StudyValue) {
    switch value {
    case .null: self = .null
    case .boolean(let flag): self = .boolean(flag)
    case .integer(let number): self = .integer(Int64(number))
    case .real(let number): self = .real(number)
    case .text(let text): self = .text(text)
    case .list(let items): self = .array(items.map { JSONValue($0) })
    case .map(let entries):
      var members: [String: JSONValue] = [:]
      for entry in entries { members[entry.key] = JSONValue(entry.value) }
      self = .object(members)
    }
  }
}

extension HostFacts {
  /// The facts of the build, as the manifest has them.
  var program: Manifest.Program {
    Manifest.Program(
      commit: self["commit"] ?? "", hasUncommittedChanges: self["commit_dirty"].map { $0 == "true" },
      compiler: self["compiler"] ?? "", flags: [self["build_configuration"] ?? ""], packages: packageVersions)
  }

  /// The facts of the machine, as the manifest has them.
  func machine(_ plan: Plan) -> Manifest.Machine {
    let device = plan.study.device
    return Manifest.Machine(
      processor: self["cpu"] ?? "", processorCount: self["cpu_count"].flatMap(Int.init) ?? 0,
      memoryByteCount: self["memory_bytes"].flatMap(UInt64.init) ?? 0,
      kernel: "\(self["operating_system"] ?? "") \(self["kernel"] ?? "")",
      fileSystem: device.kind == .file ? self["file_system"] ?? "" : "",
      device: device.kind == .file ? "file (\(device.access.rawValue))" : "memory")
  }

  /// The exact versions Package.swift pins.
  private var packageVersions: [String: String] {
    [
      "swift-argument-parser": "1.8.2", "Yams": "6.2.2", "hdrhistogram-swift": "0.2.0",
      "swift-mustache": "2.1.1",
    ]
  }
}
