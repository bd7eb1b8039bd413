// A cursor over an unordered log: a window of the next entries in key order, made by one scan of the log; another
// scan for each further window. Windows double from 64 entries, so that a short walk keeps little and a long one
// scans seldom.
//
// Invariants
// 1. The window's entries are exactly the live ones between its bounds; `index` is the next one to be shown.
// 2. The cursor's memory is in the budget, account `merge_scratch`, from its making to its end.

import Accounting
import KeyValue
import Primitives
import Storage

/// Walks the log's state in key order.
final class AppendLogCursor: Cursor {
  private static let firstSlotLimit = 64
  private static let largestSlotLimit = 1 << 15

  private let engine: AppendLogEngine
  private let end: UInt64
  private let range: KeyRange
  private let order: ScanOrder
  /// nil until it was filled.
  private var window: SortedWindow?
  /// The bounds of the window that is to be filled next.
  private var pending: KeyRange
  private var slotLimit: Int
  private var heldByteCount: Int
  /// Forward: the next entry. In reverse: the one after the next.
  private var index = 0
  private var current = 0

  init(
    engine: AppendLogEngine, end: UInt64, range: KeyRange, order: ScanOrder
  ) throws(EngineError) {
    self.engine = engine
    self.end = end
    self.range = range
    self.order = order
    let geometry = engine.geometry
    slotLimit = AppendLogCursor.firstSlotLimit
    let heldByteCount = geometry.cursorMemoryByteCount(slotLimit: slotLimit)
    let volume = engine.volume
    try rethrowingStorageErrors { () throws(StorageError) in
      try volume.budget.require(heldByteCount, for: .mergeScratch)
    }
    self.heldByteCount = heldByteCount
    pending = range
  }

  deinit {
    engine.volume.budget.release(heldByteCount, for: .mergeScratch)
  }

  func next() throws(EngineError) -> Bool {
    try engine.requireOpen()
    while true {
      let window = try filledWindow()
      switch order {
      case .forward:
        if index < window.count {
          current = index
          index += 1
          return true
        }
        // The window may end before the range does.
        guard let high = window.high, high != range.upperBound else { return false }
        try enlarge()
        replaceWindow(KeyRange(lowerBound: high, upperBound: range.upperBound))
      case .reverse:
        if index > 0 {
          index -= 1
          current = index
          return true
        }
        guard window.low != range.lowerBound ?? [] else { return false }
        try enlarge()
        replaceWindow(KeyRange(lowerBound: range.lowerBound, upperBound: window.low))
      }
    }
  }

  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    guard let window, current < window.count else {
      preconditionFailure("withCurrent follows a next that returned true.")
    }
    let key = window.key(current)
    let value = window.value(current)
    body(key.bytes, value.bytes)
  }

  func seek(to key: RawSpan) throws(EngineError) {
    try engine.requireOpen()
    let target = bytes(of: key)
    if let window, target.withUnsafeBytes({ window.covers($0) }) {
      index = target.withUnsafeBytes { firstIndex(in: window, atOrPast: $0) }
      return
    }
    // Begin again with a window whose near end is the target.
    var start = range
    switch order {
    case .forward:
      if compare(target, range.lowerBound ?? []) > 0 { start.lowerBound = target }
    case .reverse:
      let past = target + [0]
      if range.upperBound.map({ compare(past, $0) < 0 }) ?? true { start.upperBound = past }
    }
    replaceWindow(start)
  }

  private func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
    left.withUnsafeBytes { l in right.withUnsafeBytes { r in compareKeys(l, r) } }
  }

  /// The place from which `next` goes on at or after `target` in scan order.
  private func firstIndex(in window: SortedWindow, atOrPast target: UnsafeRawBufferPointer) -> Int {
    let found = window.firstIndex(atOrAfter: target)
    switch order {
    case .forward: return found
    case .reverse:
      return found < window.count && compareKeys(window.key(found), target) == 0 ? found + 1 : found
    }
  }

  private func replaceWindow(_ bounds: KeyRange) {
    window = nil
    pending = bounds
  }

  /// Doubles the window when the budget allows it.
  private func enlarge() throws(EngineError) {
    guard slotLimit < Self.largestSlotLimit else { return }
    let more = engine.geometry.cursorMemoryByteCount(slotLimit: 2 * slotLimit) - heldByteCount
    guard engine.volume.budget.reserve(more, for: .mergeScratch) else { return }
    heldByteCount += more
    slotLimit *= 2
  }

  private func filledWindow() throws(EngineError) -> SortedWindow {
    if let window { return window }
    let geometry = engine.geometry
    let filled = SortedWindow(
      range: pending, order: order, slotLimit: slotLimit, capacityByteCount: geometry.windowByteCount,
      maximumValueByteCount: geometry.limits.maximumValueByteCount)
    do throws(StorageError) {
      try engine.scan(to: end) { filled.fold($0) }
    } catch {
      throw .storage(error)
    }
    index = order == .forward ? 0 : filled.count
    window = filled
    return filled
  }
}
