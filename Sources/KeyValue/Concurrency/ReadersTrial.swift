// Many readers on snapshots beside one writer, with data large enough to leave the cache.
//
//   group g:  keys (g, 0) … (g, n−1)      every batch writes whole groups, all keys of a group with the same version
//   snapshot: a group has one version everywhere (atomic), never an older one than this thread saw before (monotone), and the
//             same one when it is read again later (stable)
//
// Invariant: a wrong answer is reported with the seed, the thread and the group.

import Primitives
import Synchronization

/// Readers against a writer.
public struct ReadersTrial: Sendable {
  /// Seeds what each thread does.
  public var seed: UInt64
  /// Threads that read.
  public var readerCount = 8
  /// Groups of keys.
  public var groupCount = 400
  /// Keys of a group.
  public var groupKeyCount = 8
  /// Bytes of a value.
  public var valueByteCount = 100
  /// Batches that the writer applies.
  public var batchCount = 300
  /// Groups that a batch rewrites.
  public var groupsPerBatch = 10
  /// Snapshots that a reader makes at least.
  public var minimumSnapshotCount = 10

  /// What was done.
  public struct Outcome: Equatable, Sendable {
    /// Snapshots that were made and read.
    public var snapshotCount = 0
    /// Groups that were looked at.
    public var groupCount = 0
    /// What was wrong, in the order it was noticed.
    public var problems: [String] = []
  }

  /// A trial at the defaults.
  public init(seed: UInt64) { self.seed = seed }

  private final class Progress: Sendable {
    let isDone = Atomic<Bool>(false)
    let outcome = Lock(Outcome())

    func report(_ problem: String) {
      outcome.withLock { if $0.problems.count < 10 { $0.problems.append(problem) } }
    }
  }

  /// Loads the groups and lets the threads at them; the calling thread waits, a thread of its own writes.
  ///
  /// Precondition: the engine holds nothing and declares concurrent readers.
  /// - Throws: what loading throws; errors of the threads are in the outcome.
  public func run(_ engine: any Engine) throws(EngineError) -> Outcome {
    guard let source = engine.readerSource else {
      preconditionFailure("Only engines that declare concurrent readers are read by several threads.")
    }
    var batch = WriteBatch()
    for group in 0..<groupCount {
      put(group, version: 1, into: &batch)
      if group % 50 == 49 || group == groupCount - 1 {
        try engine.apply(batch, sync: false)
        batch.removeAll()
      }
    }
    try engine.checkpoint()
    let progress = Progress()
    let writer = HandedOver(engine)
    Threads.run(readerCount + 1) { number in
      do throws(EngineError) {
        if number == 0 {
          defer { progress.isDone.store(true, ordering: .releasing) }
          try write(writer.value)
        } else {
          try read(source, number, progress)
        }
      } catch {
        progress.report("seed \(seed), thread \(number): \(error)")
      }
    }
    return progress.outcome.withLock { $0 }
  }

  private func key(_ group: Int, _ member: Int) -> [UInt8] {
    let mixed = UInt16(truncatingIfNeeded: group &* 40_503)
    return [
      UInt8(mixed >> 8), UInt8(mixed & 255), UInt8(group >> 8 & 255), UInt8(group & 255), UInt8(member),
    ]
  }

  private func put(_ group: Int, version: UInt32, into batch: inout WriteBatch) {
    var value = [UInt8](repeating: UInt8(group & 255), count: max(8, valueByteCount))
    for index in 0..<4 { value[index] = UInt8(truncatingIfNeeded: version >> UInt32(8 * index)) }
    for member in 0..<groupKeyCount { batch.put(key(group, member), value) }
  }

  private func write(_ engine: any Engine) throws(EngineError) {
    let random = CounterRandom(seed: seed, stream: 0)
    var batch = WriteBatch()
    for number in 0..<batchCount {
      batch.removeAll()
      var chosen: Set<Int> = []
      for index in 0..<groupsPerBatch {
        let group = Int(random.draw(UInt64(number * groupsPerBatch + index)) % UInt64(groupCount))
        if chosen.insert(group).inserted { put(group, version: UInt32(number + 2), into: &batch) }
      }
      try engine.apply(batch, sync: number % 7 == 0)
      if number % 50 == 49 { try engine.checkpoint() }
      if number % 90 == 89 { try engine.dropCache() }
    }
  }

  private func read(_ source: ReaderSource, _ number: Int, _ progress: Progress) throws(EngineError) {
    let random = CounterRandom(seed: seed, stream: UInt64(number))
    var seen = [UInt32](repeating: 0, count: groupCount)
    var draws: UInt64 = 0
    func draw(_ bound: Int) -> Int {
      draws += 1
      return Int((random.draw(draws) >> 20) % UInt64(bound))
    }
    var snapshots = 0
    var groups = 0
    while snapshots < minimumSnapshotCount || !progress.isDone.load(ordering: .acquiring) {
      let view = try source.makeSnapshot()
      snapshots += 1
      var here: [(group: Int, version: UInt32)] = []
      for _ in 0..<(4 + draw(8)) {
        let group = draw(groupCount)
        let version = try draw(3) == 0 ? scan(view, group) : get(view, group)
        guard let version else {
          return progress.report("seed \(seed), reader \(number): group \(group) is in two versions, or torn")
        }
        if version < seen[group] {
          return progress.report("seed \(seed), reader \(number): group \(group) went back in time")
        }
        seen[group] = version
        here.append((group, version))
      }
      for (group, version) in here where try get(view, group) != version {
        return progress.report("seed \(seed), reader \(number): group \(group) changed within a snapshot")
      }
      groups += here.count
    }
    let (snapshotCount, groupCount) = (snapshots, groups)
    progress.outcome.withLock {
      $0.snapshotCount += snapshotCount
      $0.groupCount += groupCount
    }
  }

  /// The version of a value, nil when its bytes are not one that was put.
  private func version(_ value: RawSpan, _ group: Int) -> UInt32? {
    value.withUnsafeBytes { bytes in
      guard bytes.count == max(8, valueByteCount) else { return nil }
      for index in 4..<bytes.count where bytes[index] != UInt8(group & 255) { return nil }
      return UInt32(bytes[0]) | UInt32(bytes[1]) << 8 | UInt32(bytes[2]) << 16 | UInt32(bytes[3]) << 24
    }
  }

  private func get(_ view: any ReadView, _ group: Int) throws(EngineError) -> UInt32? {
    var result: UInt32?
    for member in 0..<groupKeyCount {
      var found: UInt32?
      let bytes = key(group, member)
      _ = try view.get(bytes.span.bytes) { found = version($0, group) }
      guard let found, result == nil || result == found else { return nil }
      result = found
    }
    return result
  }

  private func scan(_ view: any ReadView, _ group: Int) throws(EngineError) -> UInt32? {
    let cursor = try view.makeCursor(
      KeyRange(lowerBound: key(group, 0), upperBound: key(group, groupKeyCount)), .forward)
    var result: UInt32?
    var count = 0
    var isWhole = true
    while try cursor.next() {
      count += 1
      cursor.withCurrent { _, value in
        let found = version(value, group)
        if found == nil || result != nil && result != found { isWhole = false }
        result = found
      }
    }
    return isWhole && count == groupKeyCount ? result : nil
  }
}
