// A cursor over a sorted file: one block in memory, found by binary search, then one read per block.
//
// Invariants
// 1. `block` is a block with keys, or nil before the first search and past the ends; `gap` is the place between its
//    entries: forward the next entry is the one after the gap, in reverse the one before it.
// 2. The cursor's memory is in the budget, account `merge_scratch`, from its making to its end.

import Accounting
import KeyValue
import Primitives
import Storage

/// Walks one file.
final class SortedFileCursor: Cursor {
  private let engine: SortedFileEngine
  private let fence: SortedFileFence?
  private let range: KeyRange
  private let order: ScanOrder
  /// Keeps a snapshot's pin alive.
  private let owner: AnyObject?
  private var reader: SortedFileReader
  private var block: SortedFileBlock?
  private var gap = 0
  private var current = 0
  private var gathered: ValueBuffer
  private var valueIsGathered = false
  /// Where to search before the next step; nil when the cursor stands somewhere.
  private var target: Target? = nil

  private enum Target {
    case first
    case last
    /// Forward: the first entry not before the key. In reverse: the last entry before it, or at it.
    case key([UInt8], inclusive: Bool)
  }

  init(
    _ engine: SortedFileEngine, _ run: SortedFileRun, _ fence: SortedFileFence?, _ range: KeyRange,
    _ order: ScanOrder, owner: AnyObject? = nil
  ) throws(EngineError) {
    self.engine = engine
    self.fence = fence
    self.range = range
    self.order = order
    self.owner = owner
    reader = SortedFileReader(engine.volume, run)
    gathered = ValueBuffer(reservedByteCount: 8)
    let byteCount = engine.readMemoryByteCount
    try rethrowingStorageErrors { () throws(StorageError) in
      try engine.volume.budget.require(byteCount, for: .mergeScratch)
    }
    switch order {
    case .forward: target = range.lowerBound.map { .key($0, inclusive: true) } ?? .first
    case .reverse: target = range.upperBound.map { .key($0, inclusive: false) } ?? .last
    }
  }

  deinit {
    engine.volume.budget.release(engine.readMemoryByteCount, for: .mergeScratch)
    engine.add(reader.counts)
  }

  func next() throws(EngineError) -> Bool {
    try engine.requireOpen()
    do throws(StorageError) {
      if let target {
        try search(target)
        self.target = nil
      }
      return order == .forward ? try stepForward() : try stepBack()
    } catch {
      throw .storage(error)
    }
  }

  private func search(_ target: Target) throws(StorageError) {
    block = nil
    guard reader.run.blockCount > 0 else { return }
    switch target {
    case .first:
      block = try reader.headBlock(0)
      gap = 0
    case .last: try enterBlock(before: reader.run.blockCount)
    case .key(let key, let inclusive):
      // A copy of the reader: the closure holds the key, the reader is changed inside.
      var found: SortedFileBlock?
      var failure: StorageError?
      key.withUnsafeBytes { wanted in
        do throws(StorageError) {
          found = try reader.block(for: wanted, fence: fence)
        } catch {
          failure = error
          return
        }
        guard let found else { return }
        var inspected: UInt64 = 0
        gap = found.firstIndex(atOrAfter: wanted, inspected: &inspected)
        if order == .reverse, inclusive, gap < found.entryCount, compareKeys(found.key(gap), wanted) == 0 {
          gap += 1
        }
      }
      if let failure { throw failure }
      if let found {
        block = found
      } else if order == .forward {
        // Every key is behind it.
        block = try reader.headBlock(0)
        gap = 0
      }
    }
  }

  private func stepForward() throws(StorageError) -> Bool {
    guard var block else { return false }
    if gap == block.entryCount {
      let missing = block.value(block.entryCount - 1).missingByteCount
      let next = block.number + 1 + reader.continuationCount(missingByteCount: missing)
      guard next < reader.run.blockCount else { return false }
      block = try reader.headBlock(next)
      self.block = block
      gap = 0
    }
    if let upper = range.upperBound, upper.withUnsafeBytes({ compareKeys(block.key(gap), $0) }) >= 0 {
      return false
    }
    current = gap
    gap += 1
    try gatherCurrent(block)
    return true
  }

  private func stepBack() throws(StorageError) -> Bool {
    guard let standing = block else { return false }
    if gap == 0 {
      guard standing.number > 0 else { return false }
      try enterBlock(before: standing.number)
    }
    guard let block else { return false }
    if let lower = range.lowerBound, lower.withUnsafeBytes({ compareKeys(block.key(gap - 1), $0) }) < 0 {
      return false
    }
    gap -= 1
    current = gap
    try gatherCurrent(block)
    return true
  }

  /// Stands behind the last entry of the block with keys before block `number`.
  private func enterBlock(before number: Int) throws(StorageError) {
    var previous = try reader.block(number - 1)
    if previous.isContinuation { previous = try reader.headBlock(previous.head) }
    block = previous
    gap = previous.entryCount
  }

  private func gatherCurrent(_ block: SortedFileBlock) throws(StorageError) {
    reader.countRecord()
    valueIsGathered = block.value(current).missingByteCount > 0
    if valueIsGathered {
      try reader.gather(
        current, of: block, into: &gathered, limit: engine.limits.maximumValueByteCount)
    }
  }

  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    guard let block, target == nil else {
      preconditionFailure("withCurrent follows a next that returned true.")
    }
    let key = block.key(current)
    let value = valueIsGathered ? gathered.bytes : block.value(current).bytes
    body(key.bytes, value.bytes)
  }

  func seek(to key: RawSpan) throws(EngineError) {
    try engine.requireOpen()
    let wanted = bytes(of: key)
    switch order {
    case .forward:
      if let lower = range.lowerBound, compare(wanted, lower) < 0 {
        target = .key(lower, inclusive: true)
      } else {
        target = .key(wanted, inclusive: true)
      }
    case .reverse:
      if let upper = range.upperBound, compare(wanted, upper) >= 0 {
        target = .key(upper, inclusive: false)
      } else {
        target = .key(wanted, inclusive: true)
      }
    }
  }

  private func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
    left.withUnsafeBytes { l in right.withUnsafeBytes { r in compareKeys(l, r) } }
  }
}
