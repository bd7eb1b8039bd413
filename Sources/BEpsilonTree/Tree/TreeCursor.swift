// A walk in key order over what buffers and leaves say together.
//
//   path buffers   d ……… k ……… p
//   leaf           b d f h k m          ─▶  window: b, d', f, h, k', m       one leaf at a time, copied out
//
// A cursor holds no node between two steps: it merges up to a window of entries into memory of its own. A short scan fills
// a short window; windows grow while the scan goes on. Many entries in one call are shown where they lie, without a window:
// only the last one is copied, for the cursor to stand on.
//
// Invariants
// 1. The window holds the next entries of the walk; `place` is where the one after them begins.
// 2. On the newest state a write ends the window: the walk goes on behind the last key it showed.

import KeyValue
import Primitives
import Storage

// The witnesses are documented at `Cursor`.
/// A cursor over one state of a tree.
final class TreeCursor: Cursor {
  private let engine: BEpsilonTreeEngine
  private let state: () -> TreeState
  private let owner: AnyObject?
  private let range: KeyRange
  private let order: ScanOrder

  /// Where the walk goes on.
  private enum Place {
    /// From the first key of the walk.
    case start
    /// From a key on, itself included.
    case from([UInt8])
    /// From the key on that follows this one in the order of the walk.
    case behind([UInt8])
    case end
  }

  private var place: Place = .start
  private var memory = UnsafeMutableRawPointer.allocate(byteCount: 512, alignment: 16)
  private var capacity = 512
  private var used = 0
  private var offsets: ContiguousArray<Int> = []
  private var position = -1
  private var windowByteCount = 2_048
  private var changeCount: UInt64 = 0
  private var merge: WindowMerge

  init(
    _ engine: BEpsilonTreeEngine, _ state: @escaping () -> TreeState, _ range: KeyRange, _ order: ScanOrder,
    owner: AnyObject?
  ) {
    self.engine = engine
    self.state = state
    self.range = range
    self.order = order
    self.owner = owner
    merge = WindowMerge(engine.reader, order: order)
    changeCount = engine.changeCount
    if isEmptyRange { place = .end }
  }

  deinit { memory.deallocate() }

  private var isEmptyRange: Bool {
    guard let lower = range.lowerBound, let upper = range.upperBound else { return false }
    return upper.withUnsafeBytes { compare(lower, Bytes($0)) } >= 0
  }

  /// Forgets what a write since the last step may have changed.
  private func noticeChanges() {
    if owner != nil || changeCount == engine.changeCount { return }
    // What follows the key it stands on may be new.
    if position >= 0, position < offsets.count { place = .behind(key(position)) }
    forgetWindow()
    changeCount = engine.changeCount
  }

  func next() throws(EngineError) -> Bool {
    try engine.requireOpen()
    noticeChanges()
    position += 1
    if position < offsets.count { return true }
    do throws(StorageError) {
      while true {
        if case .end = place { break }
        forgetWindow()
        try fill()
        position = 0
        if !offsets.isEmpty { return true }
      }
    } catch {
      throw .storage(error)
    }
    forgetWindow()
    position = 0
    return false
  }

  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    precondition(
      position >= 0 && position < offsets.count, "A cursor shows an entry after a `next` that returned true.")
    let cell = UnsafeRawPointer(memory + offsets[position])
    body(Cell.key(cell).buffer.bytes, Cell.operand(cell).buffer.bytes)
  }

  func seek(to key: RawSpan) throws(EngineError) {
    try engine.requireOpen()
    let wanted = key.withUnsafeBytes { [UInt8]($0) }
    forgetWindow()
    windowByteCount = 2_048
    merge.forgetReadAhead()
    place = isEmptyRange ? .end : .from(wanted)
    // A place outside the range is its beginning, or its end.
    if isEmptyRange { return }
    switch order {
    case .forward:
      if let lower = range.lowerBound, wanted.withUnsafeBytes({ compare(lower, Bytes($0)) }) > 0 {
        place = .start
      }
    case .reverse:
      if let upper = range.upperBound, wanted.withUnsafeBytes({ compare(upper, Bytes($0)) }) <= 0 {
        place = .start
      }
    }
  }

  private func key(_ index: Int) -> [UInt8] { [UInt8](Cell.key(memory + offsets[index]).buffer) }

  private func forgetWindow() {
    used = 0
    offsets.removeAll(keepingCapacity: true)
    position = -1
  }

  // MARK: Many entries in one call

  /// Shows what is left of the window, then leaf by leaf: entries that no buffer speaks about from where they lie.
  func showNext(
    upTo limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(EngineError) -> Int {
    try engine.requireOpen()
    noticeChanges()
    var shown = 0
    while shown < limit, position + 1 < offsets.count {
      position += 1
      withCurrent(body)
      shown += 1
    }
    if shown == limit { return shown }
    do throws(StorageError) {
      while shown < limit {
        if case .end = place { break }
        shown += try showLeaf(limit - shown, body)
      }
    } catch {
      throw .storage(error)
    }
    if shown < limit {
      forgetWindow()
      position = 0
    }
    return shown
  }

  /// Shows the next entries of the leaf where the walk goes on, and stands on the last one.
  private func showLeaf(
    _ limit: Int, _ body: (_ key: RawSpan, _ value: RawSpan) -> Void
  ) throws(StorageError) -> Int {
    defer { merge.finish() }
    try beginMerge()
    var shown = 0
    while shown < limit {
      let (count, last) = merge.showUndisturbed(limit - shown, body)
      shown += count
      if shown == limit, let last {
        forgetWindow()
        add(Cell.key(last), Cell.operand(last))
        break
      }
      // What buffers speak about, and values that lie elsewhere.
      guard let key = try merge.next() else {
        endLeaf()
        return shown
      }
      if !engine.reader.value.isPresent { continue }
      forgetWindow()
      add(key, Bytes(engine.reader.value.bytes))
      position = 0
      withCurrent(body)
      shown += 1
    }
    position = 0
    place = .behind(key(0))
    return shown
  }

  /// The walk goes on behind the leaf.
  private func endLeaf() {
    if let next = merge.nextPlace {
      place = order == .forward ? .from(next) : .behind(next)
    } else {
      place = .end
    }
  }

  /// Merges the next entries into the window, up to the end of a leaf.
  private func fill() throws(StorageError) {
    defer { merge.finish() }
    try beginMerge()
    while used < windowByteCount, let key = try merge.next() {
      if engine.reader.value.isPresent { add(key, Bytes(engine.reader.value.bytes)) }
      // The place is only needed when the window ends here.
      if used >= windowByteCount { place = .behind([UInt8](key.buffer)) }
    }
    if used < windowByteCount { endLeaf() }
    windowByteCount = min(64 << 10, windowByteCount * 2)
  }

  /// Goes down to the leaf where the walk goes on.
  private func beginMerge() throws(StorageError) {
    var bound: [UInt8]?
    var includesBound = true
    switch place {
    case .start:
      bound = order == .forward ? range.lowerBound : range.upperBound
      includesBound = order == .forward
    case .from(let key): bound = key
    case .behind(let key):
      bound = key
      includesBound = false
    case .end: return
    }
    let limit = order == .forward ? range.upperBound : range.lowerBound
    try merge.begin(state(), from: bound, includesBound: includesBound, limit: limit)
  }

  private func add(_ key: Bytes, _ value: Bytes) {
    let needed = Cell.byteCount(key: key.count, operand: value.count)
    if used + needed > capacity {
      while capacity < used + needed { capacity *= 2 }
      let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
      larger.copyMemory(from: memory, byteCount: used)
      memory.deallocate()
      memory = larger
    }
    Cell.write(to: memory + used, kind: OperationKind.put.rawValue, key: key, operand: value)
    offsets.append(used)
    used += needed
  }
}
