// The manifest of a plan's record: begun before the first run, finished after the last.

import EngineCatalogue
import Foundation
import KeyValue
import Results

/// A manifest in the making.
struct ManifestDraft {
  private let plan: Plan
  private(set) var manifest: Manifest
  /// Sentences beside those that follow from the study.
  var furtherLimits: [String] = []

  /// The beginning: study, program, machine, time.
  init(plan: Plan, repository: String?, scale: String) {
    self.plan = plan
    let host = HostFacts.gather(repository: repository)
    let start = Self.now()
    manifest = Manifest(
      study: plan.manifestStudy(scale: scale), figures: plan.study.figures,
      seeds: Array(Set(plan.runs.map(\.seed))).sorted(), program: host.program, machine: host.machine(plan),
      engines: [], start: start, end: start, claims: plan.study.claims)
  }

  /// Adds what a run's engine said of itself, once per label.
  mutating func addReadBack(_ spec: RunSpec, _ read: [(name: String, value: String)]) {
    guard !manifest.engines.contains(where: { $0.label == spec.label }) else { return }
    var settings: [String: String] = [:]
    for (name, value) in read { settings[name] = value }
    manifest.engines.append(
      Manifest.EngineReadBack(
        label: spec.label, engine: spec.engine, libraryVersion: settings["library_version"],
        formatVersion: spec.engineFormatVersion, settings: settings))
  }

  /// The manifest, ended now.
  mutating func finished(sweep: Manifest.Sweep? = nil) -> Manifest {
    manifest.end = Self.now()
    manifest.limits = limits + furtherLimits
    manifest.sweep = sweep
    return manifest
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
    let sizes = Set(plan.runs.map(\.records)).sorted()
    if sizes.count > 1 {
      sentences.append(
        "Engines ran with different numbers of records (\(sizes.map(String.init).joined(separator: ", "))): "
          + "those with O(n) operations get what they can bear. Compare within one size.")
    }
    return sentences
  }

  private static func now() -> String { Date().formatted(.iso8601) }
}

extension Plan {
  /// The SHA-256 of the runs' ids in order, one a line.
  var hash: String { SHA256.hexadecimal(Array(runs.map(\.id).joined(separator: "\n").utf8)) }

  /// The study as the manifest has it.
  func manifestStudy(scale: String) -> Manifest.Study {
    Manifest.Study(
      id: study.name, title: study.title, question: study.question, scale: scale,
      resolved: JSONValue(study.value))
  }
}

extension RunSpec {
  /// Why this build cannot make the run, nil when it can.
  var absence: String? {
    guard let entry = engineEntry(named: engine) else {
      preconditionFailure("A plan names engines of the catalogue only.")
    }
    return entry.descriptor.absentBecause
  }
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
