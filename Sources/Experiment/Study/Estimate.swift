// What a run will cost, without running it: operations, bytes, memory, disk, seconds. Coarse on purpose.
//
//   phases ──▶ operations by kind ──▶ shape of the engine (page tree, log, sorted file …) ──▶ bytes, seconds
//
// How coarse: bytes and seconds within a factor of 3 for the engines of the table under uniform keys, on one slow
// core (checked against the quick start: writes within 1.5, reads within 2.5, seconds within 1.5). An estimate decides whether a run is begun and in what order of magnitude it ends; it is never shown
// beside a measurement, and no figure contains one. Predictions that are compared with measurements are the cost
// models' business.
//
// Invariants
// 1. An estimate is a pure function of the run.
// 2. A run is refused only for what cannot be: too little memory or disk, a device smaller than the data, sizes
//    beyond the engine's limits. What is merely slow is a warning.

import KeyValue
import Primitives
import Workload

/// What a run is expected to cost.
public struct RunEstimate: Equatable, Sendable {
  /// Operations of all phases, scanned entries not counted.
  public var operationCount = 0
  /// Bytes of keys and values written, the load included.
  public var logicalWriteByteCount = 0
  /// Bytes the device writes.
  public var deviceWriteByteCount = 0
  /// Bytes the device reads.
  public var deviceReadByteCount = 0
  /// The largest space the engine takes on the device, in bytes.
  public var spaceByteCount = 0
  /// Memory of the process at its highest, in bytes: the engine's budget, and the device when it is memory.
  public var peakMemoryByteCount = 0
  /// Wall-clock seconds on one slow core with a memory device.
  public var seconds = 0.0
  /// What will be slow or odd, one sentence each.
  public var warnings: [String] = []

  /// Nothing.
  public init() {}
}

extension RunEstimate {
  /// Seconds a byte takes between engine and memory device.
  private static let secondsPerDeviceByte = 0.6e-9
  /// Seconds a block fetched costs beyond its bytes.
  private static let secondsPerMiss = 4e-6
  /// What the process holds beside budget and device, in bytes.
  private static let processByteCount = 64 << 20
  /// Records from which an engine with O(n) operations is warned about.
  private static let manyRecordsForLinear = 50_000

  /// What is assumed of an engine that declares no costs.
  private static let assumed = EngineCostShape(
    .pageTree(.init(pageByteCount: 4096, copies: 1, reads: 0)), spaceFactor: 1.5, writeSeconds: 5e-6,
    readSeconds: 3e-6, entrySeconds: 0.5e-6)

  /// The estimate of `run`.
  public init(_ run: RunSpec, vocabulary: StudyVocabulary) {
    let known = vocabulary.engine(run.engine)?.costs.map { $0(run.engineSetting) }
    var state = Walk(run, shape: known ?? Self.assumed, pairByteCount: vocabulary.pairByteCount(run.workload))
    for phase in run.phases { state.walk(phase, vocabulary: vocabulary) }
    operationCount = Self.clamped(state.operations)
    logicalWriteByteCount = Self.clamped(state.logicalWrites)
    deviceWriteByteCount = Self.clamped(state.deviceWrites)
    deviceReadByteCount = Self.clamped(state.deviceReads)
    spaceByteCount = Self.clamped(state.space)
    let device = run.device.kind == .memory ? state.space : 0
    let drive = run.device.flash?.configuration
    let fixed = Double(Self.processByteCount) + Double(drive?.modelByteCount ?? 0)
    peakMemoryByteCount = Self.clamped(device + Double(run.memoryBudgetByteCount) + fixed)
    if let drive {
      let exported = drive.exportedBlockCount * drive.eraseBlockByteCount
      if spaceByteCount > exported {
        warnings.append(
          "\(run.label): about \(ByteText.short(spaceByteCount)) will be held, and the flash drive exports "
            + "\(ByteText.short(exported)); the run may fail, raise device.flash.capacity")
      }
    }
    let deviceBytes = state.deviceWrites + state.deviceReads
    seconds = state.seconds + deviceBytes * Self.secondsPerDeviceByte + state.misses * Self.secondsPerMiss
    if known == nil {
      warnings.append("engine '\(run.engine)' declares no costs; its estimate is that of a tree of pages")
    }
    let ratio = Double(vocabulary.dataByteCount(run.workload)) / Double(run.memoryBudgetByteCount)
    if ratio < 4 && state.shape.structure != .nothing {
      warnings.append("\(run.label): the data are less than 4 × the memory budget; nothing here is I/O-bound")
    }
    let isLinear: Bool
    switch state.shape.structure {
    case .log, .sortedFile: isLinear = true
    default: isLinear = false
    }
    if isLinear && run.records > Self.manyRecordsForLinear {
      let records = Quantity.formatInteger(run.records)
      warnings.append("engine '\(run.engine)' has operations that touch all \(records) records; this is slow")
    }
  }

  private static func clamped(_ value: Double) -> Int { Int(max(0, min(value, 0x1p62))) }

  /// The sum of two estimates; memory and space are the larger.
  public static func + (one: RunEstimate, other: RunEstimate) -> RunEstimate {
    var sum = one
    sum.operationCount = one.operationCount.addingClamped(other.operationCount)
    sum.logicalWriteByteCount = one.logicalWriteByteCount.addingClamped(other.logicalWriteByteCount)
    sum.deviceWriteByteCount = one.deviceWriteByteCount.addingClamped(other.deviceWriteByteCount)
    sum.deviceReadByteCount = one.deviceReadByteCount.addingClamped(other.deviceReadByteCount)
    sum.spaceByteCount = max(one.spaceByteCount, other.spaceByteCount)
    sum.peakMemoryByteCount = max(one.peakMemoryByteCount, other.peakMemoryByteCount)
    sum.seconds = one.seconds + other.seconds
    sum.warnings = one.warnings + other.warnings.filter { !one.warnings.contains($0) }
    return sum
  }
}

extension Int {
  fileprivate func addingClamped(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

/// A run walked through phase by phase.
private struct Walk {
  let run: RunSpec
  let shape: EngineCostShape
  let pair: Double
  var records = 0.0
  var operations = 0.0
  var logicalWrites = 0.0
  var deviceWrites = 0.0
  var deviceReads = 0.0
  var misses = 0.0
  var seconds = 0.0
  var space = 0.0

  init(_ run: RunSpec, shape: EngineCostShape, pairByteCount: Double) {
    self.run = run
    self.shape = shape
    pair = pairByteCount
  }

  private var page: Double {
    guard case .pageTree(let tree) = shape.structure else { return 4096 }
    return Double(tree.pageByteCount)
  }

  private var structureBytes: Double { records * pair * shape.spaceFactor }

  /// The share of page accesses that go to the device: what does not fit the budget, half of it when skewed.
  private func missShare(_ phase: PhaseSpec) -> Double {
    let size = max(1, structureBytes)
    let share = max(0, 1 - Double(run.memoryBudgetByteCount) / size)
    guard case .text(let word)? = phase.parameters["distribution"], word != "uniform" else { return share }
    return share * 0.5
  }

  mutating func walk(_ phase: PhaseSpec, vocabulary: StudyVocabulary) {
    if vocabulary.phase(phase.kind)?.need == .loadsRecords {
      let isSequential = phase.parameters["order"] == .text("sequential")
      write(Double(run.records), phase, isNew: true, isSequential: isSequential)
      return
    }
    for (name, number) in Self.operations(phase, run) {
      switch name {
      case "get_hit", "get_miss": read(number, phase)
      case "scan":
        var entries = 100.0
        if case .integer(let given)? = phase.parameters["scan_entries"] { entries = Double(given) }
        scan(number, entries: entries, phase)
      case "put": write(number, phase, isNew: true, isSequential: false)
      default: write(number, phase, isNew: false, isSequential: false)
      }
    }
    if case .pageTree = shape.structure {
    } else if shape.structure != .nothing {
      space = max(space, structureBytes)
    }
  }

  /// The operations of a phase by kind, in a fixed order.
  private static func operations(_ phase: PhaseSpec, _ run: RunSpec) -> [(String, Double)] {
    if let section = run.stream?.section(named: phase.name), phase.kind == StudyStream.replayKind {
      return StreamOperation.allCases.map { ($0.name, Double(section.count(of: $0))) }
    }
    guard case .integer(let count)? = phase.parameters["operations"] else { return [] }
    return shares(phase).map { ($0.0, Double(count) * $0.1) }
  }

  /// Which operations a phase does, and their shares, in a fixed order.
  private static func shares(_ phase: PhaseSpec) -> [(String, Double)] {
    if phase.kind == "crash" { return [("put", 1)] }
    if case .text(let word)? = phase.parameters["operation"] { return [(word, 1)] }
    var weights: [(String, Double)] = []
    for (name, value) in phase.parameters.sorted where name.hasPrefix("mix.") {
      switch value {
      case .real(let weight): weights.append((String(name.dropFirst(4)), weight))
      case .integer(let weight): weights.append((String(name.dropFirst(4)), Double(weight)))
      default: break
      }
    }
    let sum = weights.reduce(0) { $0 + $1.1 }
    return sum > 0 ? weights.map { ($0.0, $0.1 / sum) } : [("get_hit", 1)]
  }

  private mutating func write(_ count: Double, _ phase: PhaseSpec, isNew: Bool, isSequential: Bool) {
    guard count > 0 else { return }
    let batch = min(count, Double(run.commit.batchOperations))
    let commits = (count / batch).rounded(.up)
    operations += count
    logicalWrites += count * pair
    seconds += count * shape.writeSeconds
    let before = records
    if isNew { records += count }
    let middle = (before + records) / 2
    switch shape.structure {
    case .nothing: break
    case .log:
      let record = pair * shape.spaceFactor
      deviceWrites += count * record + commits * 2048
      space += count * record + commits * 2048
    case .sortedFile:
      deviceWrites += commits * middle * pair * shape.spaceFactor
      deviceReads += commits * middle * pair * shape.spaceFactor
      seconds += commits * middle * 0.05e-6
      space = max(space, 2 * structureBytes)
    case .pageTree(let tree):
      writePages(count, tree, records: middle, isSequential: isSequential)
    }
  }

  /// Writes to a tree that holds `middle` records on the way. Pages changed in a window are written at its end, or as
  /// soon as memory is full.
  private mutating func writePages(
    _ count: Double, _ tree: EngineCostShape.PageTree, records middle: Double, isSequential: Bool
  ) {
    let batch = min(count, Double(run.commit.batchOperations))
    var window = max(batch, tree.writeWindowOperationCount.map { Double($0) } ?? batch)
    let endsAtSyncs = tree.syncsCopyPaths && run.commit.syncEveryCommits > 0
    if endsAtSyncs { window = min(window, batch * Double(run.commit.syncEveryCommits)) }
    window = min(window, count)
    let windows = (count / window).rounded(.up)
    let treeBytes = max(1, middle * pair * shape.spaceFactor)
    let pages: Double = max(1, treeBytes / page)
    let dense: Double = max(1, window * pair * 1.1 / page)
    // Distinct pages of a window of uniform keys: pages × (1 − e^(−window ÷ pages)).
    let spread: Double = pages * (1 - DeterministicMath.exp2(-window / pages * 1.4427))
    let touched = windows * (isSequential ? dense : spread)
    let missShare = isSequential ? 0 : max(0, 1 - Double(run.memoryBudgetByteCount) / treeBytes)
    // An operation whose page memory does not hold brings it in, and with it another's changes go out.
    let commits = (count / batch).rounded(.up)
    let spreadOfBatch: Double = pages * (1 - DeterministicMath.exp2(-batch / pages * 1.4427))
    let missed = commits * spreadOfBatch * missShare
    let written = max(touched, missed)
    deviceWrites += written * page * tree.copies
    let fetched = missed * (tree.gathersOperations ? tree.copies : 1)
    deviceReads += written * page * tree.reads + fetched * page
    misses += fetched
    if endsAtSyncs {
      // The pages above the leaves, a pending record and a superblock.
      let levels = max(0, DeterministicMath.log2(pages) / DeterministicMath.log2(max(4, page / 40))).rounded(
        .up)
      deviceWrites += windows * (levels * page + 2 * Double(run.device.transferUnitByteCount))
    }
    space = max(space, structureBytes + min(deviceWrites, 4 * spreadOfBatch * page))
  }

  private mutating func read(_ count: Double, _ phase: PhaseSpec) {
    operations += count
    seconds += count * shape.readSeconds
    switch shape.structure {
    case .nothing: break
    case .log:
      deviceReads += count * structureBytes
      seconds += count * records * 0.02e-6
    case .sortedFile:
      let blocks = max(2, structureBytes / 4096)
      misses += count * DeterministicMath.log2(blocks)
      deviceReads += count * DeterministicMath.log2(blocks) * 4096
    case .pageTree:
      misses += count * missShare(phase)
      deviceReads += count * missShare(phase) * page
    }
  }

  private mutating func scan(_ count: Double, entries: Double, _ phase: PhaseSpec) {
    operations += count
    seconds += count * (shape.readSeconds + entries * shape.entrySeconds)
    switch shape.structure {
    case .nothing: break
    case .log:
      deviceReads += count * structureBytes
      seconds += count * records * 0.1e-6
    case .sortedFile:
      let blocks = max(2, structureBytes / 4096)
      deviceReads += count * (DeterministicMath.log2(blocks) * 4096 + entries * pair)
      misses += count * (DeterministicMath.log2(blocks) + 1)
    case .pageTree:
      let pages = 1 + entries * pair * shape.spaceFactor / page
      misses += count * pages * missShare(phase)
      deviceReads += count * pages * missShare(phase) * page
    }
  }
}
