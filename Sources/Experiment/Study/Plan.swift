// A study written out as the runs it asks for, in the order they are made.
//
//   repeat 0:  cell 0: A B C   cell 1: B C A   cell 2: C A B       engines interleaved, the first one rotated
//   repeat 1:  cell 0: B C A   cell 1: C A B   …
//
// A cell is one point of the grid of axes that every engine shares; an axis of one engine is walked inside that
// engine's turn. Source of the order: the metric registry's rules for a fair comparison, rule 10.
//
// Invariants
// 1. Expansion is a pure function of study and vocabulary.
// 2. No two runs have the same id: a grid point that differs from an earlier one in nothing the run uses (theta
//    under a uniform distribution) is that run, and is planned once.
// 3. Every parameter set is complete for the values its axes chose.

import KeyValue

/// The runs of a study.
public struct Plan: Sendable {
  /// What was expanded.
  public let study: Study
  /// In the order they are made; `ordinal` is the index.
  public let runs: [RunSpec]

  /// The most runs a study may ask for.
  public static let maximumRunCount = 1_000_000

  /// Writes a study out. About 30 µs a run.
  ///
  /// - Throws: problems that only a combination of axis values shows.
  public init(_ study: Study, vocabulary: StudyVocabulary) throws(StudyProblems) {
    self.study = study
    var builder = PlanBuilder(study: study, vocabulary: vocabulary)
    runs = try builder.runs()
  }
}

/// What one grid point has changed.
private struct Cell {
  var points: [AxisPoint] = []
  var memoryBudget: MemoryBudgetSpec
  var device: DeviceSpec
  var workload: ParameterSet
  var commit: CommitSpec
  var phases: [PhaseSpec]
  var engineParameters: ParameterSet
  var engineRecords: Int?
  var maximumOperations: Int?
}

private struct PlanBuilder {
  let study: Study
  let vocabulary: StudyVocabulary
  var problems: [StudyProblem] = []

  mutating func runs() throws(StudyProblems) -> [RunSpec] {
    let sharedCells = cells(of: study.axes.filter { !isOfOneEngine($0) })
    let count = study.engines.count
    // What a turn of one engine in one shared cell consists of does not depend on the repeat.
    var turns: [[Cell]] = []
    for points in sharedCells {
      for index in 0..<count {
        let own = study.axes.filter { isOf(engine: index, $0) }
        let cells = cells(of: own).map { cell(engine: index, points: points + $0) }
        turns.append(cells)
      }
    }
    guard problems.isEmpty else { throw StudyProblems(Array(problems.prefix(20))) }
    var runs: [RunSpec] = []
    var ids: Set<String> = []
    for repeatIndex in 0..<study.repeats {
      for cellIndex in sharedCells.indices {
        for turn in 0..<count {
          let engine = (turn + repeatIndex + cellIndex) % count
          for cell in turns[cellIndex * count + engine] {
            let run = run(cell, engine: engine, repeatIndex: repeatIndex, ordinal: runs.count)
            if ids.insert(run.id).inserted { runs.append(run) }
            if runs.count > Plan.maximumRunCount { throw StudyProblems([tooMany]) }
          }
        }
      }
    }
    if let stream = study.stream { try refuse(runs, stream) }
    return runs
  }

  /// Refuses runs that cannot replay the study's stream.
  private func refuse(_ runs: [RunSpec], _ stream: StudyStream) throws(StudyProblems) {
    var messages: [String] = []
    for run in runs {
      for fault in stream.faults(of: run) where !messages.contains(fault) { messages.append(fault) }
    }
    if messages.isEmpty { return }
    let place = SourcePlace(file: study.name, line: 1, column: 1)
    throw StudyProblems(
      messages.prefix(20).map { StudyProblem(place: place, keyPath: "stream", message: $0) })
  }

  private var tooMany: StudyProblem {
    let place = SourcePlace(file: study.name, line: 1, column: 1)
    let message = "asks for more than \(Plan.maximumRunCount) runs"
    return StudyProblem(place: place, keyPath: "axes", message: message)
  }

  private func isOfOneEngine(_ axis: StudyAxis) -> Bool {
    switch axis.target {
    case .engineRecords, .engineOperations, .engineParameter: true
    default: false
    }
  }

  private func isOf(engine: Int, _ axis: StudyAxis) -> Bool {
    switch axis.target {
    case .engineRecords(let engines), .engineOperations(let engines), .engineParameter(let engines, _):
      engines.contains(engine)
    default: false
    }
  }

  /// The grid of `axes`, the last axis fastest; one empty point for no axes.
  private func cells(of axes: [StudyAxis]) -> [[(axis: StudyAxis, value: ParameterValue)]] {
    var points: [[(axis: StudyAxis, value: ParameterValue)]] = [[]]
    for axis in axes { points = points.flatMap { point in axis.values.map { point + [(axis, $0)] } } }
    return points
  }

  private mutating func cell(engine: Int, points: [(axis: StudyAxis, value: ParameterValue)]) -> Cell {
    var cell = Cell(
      memoryBudget: study.memoryBudget, device: study.device, workload: study.workload, commit: study.commit,
      phases: study.phases, engineParameters: study.engines[engine].parameters,
      engineRecords: study.engines[engine].records, maximumOperations: study.engines[engine].maximumOperations
    )
    var changedPhases: Set<Int> = []
    for (axis, value) in points {
      cell.points.append(AxisPoint(path: axis.path, value: value))
      switch axis.target {
      case .memoryBudget: cell.memoryBudget = MemoryBudgetSpec(value) ?? cell.memoryBudget
      case .device(let name): cell.device = cell.device.setting(name, to: value)
      case .workload(let name): cell.workload[name] = value
      case .commit(let name):
        var set = ParameterSet([
          "batch_operations": .integer(cell.commit.batchOperations),
          "sync_every_commits": .integer(cell.commit.syncEveryCommits),
        ])
        set[name] = value
        cell.commit = CommitSpec(set)
      case .engineRecords: if case .integer(let number) = value { cell.engineRecords = number }
      case .engineOperations: if case .integer(let number) = value { cell.maximumOperations = number }
      case .engineParameter(_, let name): cell.engineParameters[name] = value
      case .phase(let index, let name):
        cell.phases[index].parameters[name] = value
        changedPhases.insert(index)
      }
    }
    for index in changedPhases.sorted() { complete(&cell.phases[index], points: cell.points) }
    if let maximum = cell.maximumOperations {
      for index in cell.phases.indices {
        guard case .integer(let count)? = cell.phases[index].parameters["operations"] else { continue }
        cell.phases[index].parameters["operations"] = .integer(min(count, maximum))
      }
    }
    // An axis over the workload's records is meant for every engine without records of its own.
    if let records = cell.engineRecords { cell.workload["records"] = .integer(records) }
    let unit = cell.device.transferUnitByteCount
    if let fault = cell.device.flash?.fault(transferUnitByteCount: unit) {
      report("device.flash.\(fault.key)", fault.reason, cell.points)
    }
    if let fault = vocabulary.workloadFault(cell.workload) {
      report("workload.\(fault.parameter)", fault.reason, cell.points)
    }
    for phase in cell.phases {
      if let fault = PhaseRules.fault(of: phase.parameters, workload: cell.workload) {
        report("phases.\(phase.name).\(fault.key)", fault.message, cell.points)
      }
    }
    return cell
  }

  /// Makes a phase's parameters complete for the distribution its axes chose.
  private mutating func complete(_ phase: inout PhaseSpec, points: [AxisPoint]) {
    guard let kind = vocabulary.phase(phase.kind) else { return }
    var distribution: String?
    if case .text(let word)? = phase.parameters[StudyVocabulary.distributionKey] { distribution = word }
    let descriptors = vocabulary.parameters(of: kind, distribution: distribution)
    var set = ParameterSet()
    for descriptor in descriptors {
      if let value = phase.parameters[descriptor.name] ?? descriptor.defaultValue {
        set[descriptor.name] = value
      } else {
        report("phases.\(phase.name).\(descriptor.name)", "is missing", points)
      }
    }
    for fault in PhaseRules.faults(of: set, given: []) {
      report("phases.\(phase.name).\(fault.key)", fault.message, points)
    }
    phase.parameters = PhaseRules.used(set)
  }

  private mutating func report(_ path: String, _ message: String, _ points: [AxisPoint]) {
    let at = points.map { "\($0.path)=\($0.value)" }.joined(separator: ", ")
    let place = SourcePlace(file: study.name, line: 1, column: 1)
    problems.append(StudyProblem(place: place, keyPath: path, message: "\(message), where \(at)"))
  }

  private func run(_ cell: Cell, engine: Int, repeatIndex: Int, ordinal: Int) -> RunSpec {
    let entry = study.engines[engine]
    let dataByteCount = vocabulary.dataByteCount(cell.workload)
    var device = cell.device
    device.flash = device.flash?.resolved(
      dataByteCount: dataByteCount, transferUnitByteCount: device.transferUnitByteCount)
    return RunSpec(
      ordinal: ordinal, study: study.name, label: entry.label, engine: entry.engine,
      engineFormatVersion: vocabulary.engine(entry.engine)?.formatVersion ?? 0,
      engineParameters: cell.engineParameters, workload: cell.workload, device: device,
      memoryBudgetByteCount: cell.memoryBudget.byteCount(dataByteCount: dataByteCount), commit: cell.commit,
      phases: cell.phases, studySeed: study.seed, repeatIndex: repeatIndex, axisPoints: cell.points,
      stream: study.stream)
  }
}
