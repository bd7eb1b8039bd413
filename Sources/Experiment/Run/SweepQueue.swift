// What a sweep has still to make, in the order in which it is handed out.
//
//   groups on memory devices, in the plan's order ─▶ side by side      runs on files, in the plan's order ─▶ alone
//
// Invariants
// 1. Every run added is handed out exactly once.
// 2. A run on a file is handed out only when nothing else is made.

import KeyValue

/// The groups of a sweep.
struct SweepQueue {
  /// Runs for one worker.
  struct Work {
    /// In the plan's order.
    var runs: [RunSpec]
    /// What they may come to hold, in bytes.
    var memoryByteCount: Int
    /// Their operations by engine's label, shared loads once.
    var operations: [String: UInt64]
    /// Whether nothing may be made beside them.
    var isAlone: Bool
  }

  private struct Item {
    var group: RunGroup
    var estimate: RunEstimate
    var isFile: Bool
  }

  /// Operations waiting, by engine's label.
  private(set) var operations: [String: UInt64] = [:]
  /// Runs whose load was another run's.
  private(set) var savedLoadCount = 0
  /// Whether there was ever more than one group that can be made beside others.
  private(set) var hasParallelWork = false
  private var memory: ArraySlice<Item> = []
  private var files: ArraySlice<Item> = []
  private let vocabulary: StudyVocabulary

  /// Groups are handed out together up to this many estimated seconds, so that tiny runs do not wait for messages.
  private static let secondsPerDispatch = 0.02
  private static let runsPerDispatch = 32

  init(vocabulary: StudyVocabulary) { self.vocabulary = vocabulary }

  /// Whether nothing waits.
  var isEmpty: Bool { memory.isEmpty && files.isEmpty }
  /// Groups that wait.
  var groupCount: Int { memory.count + files.count }
  /// Whether only runs on files are left.
  var isFileNext: Bool { memory.isEmpty && !files.isEmpty }

  /// Adds runs; `first` puts them before what waits.
  mutating func add(_ runs: [RunSpec], first: Bool = false) {
    let items = RunGroup.groups(of: runs).map { group in
      let estimate = group.runs.reduce(RunEstimate()) { $0 + RunEstimate($1, vocabulary: vocabulary) }
      return Item(group: group, estimate: estimate, isFile: group.runs[0].device.kind == .file)
    }
    for item in items {
      operations[item.group.runs[0].label, default: 0] += item.group.operationCount
      if !first { savedLoadCount += item.group.savedLoadCount }
    }
    let (onMemory, onFiles) = (items.filter { !$0.isFile }, items.filter(\.isFile))
    memory = first ? onMemory + memory : memory + onMemory
    files = first ? onFiles + files : files + onFiles
    if memory.count > 1 { hasParallelWork = true }
  }

  /// The next work, nil when there is none that fits.
  ///
  /// - Parameters:
  ///   - memoryByteCount: what it may come to hold.
  ///   - isAlone: whether nothing else is being made.
  mutating func next(memoryByteCount: Int, isAlone: Bool) -> Work? {
    guard let first = memory.first else { return isAlone ? nextFile() : nil }
    guard Self.memory(of: first) <= memoryByteCount else { return nil }
    var work = Work(runs: [], memoryByteCount: 0, operations: [:], isAlone: false)
    var seconds = 0.0
    while let item = memory.first, Self.memory(of: item) <= memoryByteCount {
      let isFull = work.runs.count >= Self.runsPerDispatch
      if !work.runs.isEmpty, isFull || seconds + item.estimate.seconds > Self.secondsPerDispatch { break }
      seconds += item.estimate.seconds
      take(item, into: &work)
      memory.removeFirst()
    }
    return work
  }

  private mutating func nextFile() -> Work? {
    guard let item = files.popFirst() else { return nil }
    var work = Work(runs: [], memoryByteCount: 0, operations: [:], isAlone: true)
    take(item, into: &work)
    return work
  }

  private mutating func take(_ item: Item, into work: inout Work) {
    work.runs += item.group.runs
    work.memoryByteCount = max(work.memoryByteCount, Self.memory(of: item))
    let label = item.group.runs[0].label
    let count = item.group.operationCount
    work.operations[label, default: 0] += count
    operations[label, default: 0] -= count
  }

  /// A branch shares its load's frames and adds what it writes itself: at most as much again.
  private static func memory(of item: Item) -> Int {
    let shared = item.group.savedLoadCount > 0 ? item.estimate.spaceByteCount : 0
    return item.estimate.peakMemoryByteCount + shared
  }
}
