// Cells in one arena and, when somebody needs it, their order: a message buffer, or a basement of a leaf.
//
//   arena   [ cell │ cell │ cell │ … free ]      appended in order of arrival, never moved by an append
//   index   [ line │ line │ … ]                  sorted; of a buffer made when it is queried or moves, of a basement always whole
//
// A buffer answers "what was said about this key, and in which order": offsets grow with arrival, so within one buffer the
// offset is the sequence number. Range deletes are not in the index; there are few, and they are kept by offset.
//
// Invariants
// 1. Cells `[0, indexedByteCount)` of a buffer are in its index, range deletes excepted.
// 2. A run whose arena belongs to the device's frame (`isBorrowed`) is read only; changing it begins with a copy.
// 3. A basement's index has one line per key; bytes that no line leads to are dead, and counted.

import KeyValue
import Primitives
import Storage

/// Cells of a buffer or a basement.
struct CellRun: ~Copyable {
  private(set) var cells: UnsafeMutableRawPointer
  private var capacity = 0
  /// Holds the arena when it came from the device.
  private var borrowed: Frame?
  /// Bytes of cells, dead ones included.
  private(set) var usedByteCount = 0
  /// Cells that were appended and not removed.
  private(set) var count = 0
  /// Bytes of a basement's arena that no line leads to.
  private(set) var deadByteCount = 0
  private(set) var index = CellIndex()
  private var indexedByteCount = 0
  /// Offsets of range deletes, in order of arrival.
  private(set) var rangeDeletes: ContiguousArray<UInt32> = []
  /// Where large arenas come from; nil: the allocator.
  private var arenas: ArenaPool?

  init() { cells = Self.nothing }

  deinit { freeArena() }

  /// Takes large arenas from a pool from now on.
  mutating func use(_ pool: ArenaPool?) { arenas = pool }

  private func freeArena() {
    if capacity == 0 { return }
    if let arenas {
      arenas.give(cells, capacity)
    } else {
      cells.deallocate()
    }
  }

  /// Memory for an arena that grows.
  private func makeArena(_ byteCount: Int) -> (memory: UnsafeMutableRawPointer, capacity: Int) {
    guard let arenas else { return (.allocate(byteCount: byteCount, alignment: 16), byteCount) }
    let capacity = ArenaPool.blockByteCount(byteCount)
    return (arenas.take(capacity), capacity)
  }

  private static var nothing: UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(bitPattern: 64).unsafelyUnwrapped
  }

  var isBorrowed: Bool { borrowed != nil }
  var isEmpty: Bool { count == 0 }
  /// Bytes of the cells that count.
  var liveByteCount: Int { usedByteCount - deadByteCount }

  /// Memory held, the device's frame included.
  var memoryByteCount: Int {
    capacity + (borrowed != nil ? usedByteCount : 0) + index.memoryByteCount + rangeDeletes.capacity * 4
  }

  // MARK: Room

  /// Makes room for `byteCount` more bytes of the run's own.
  mutating func reserve(_ byteCount: Int) {
    let needed = usedByteCount + byteCount
    if needed <= capacity { return }
    var larger = max(512, capacity)
    while larger < needed { larger = larger < 1 << 15 ? larger * 2 : larger + larger / 3 }
    let arena = makeArena(larger)
    arena.memory.copyMemory(from: cells, byteCount: usedByteCount)
    replaceArena(arena.memory, arena.capacity)
  }

  private mutating func replaceArena(_ memory: UnsafeMutableRawPointer, _ byteCount: Int) {
    freeArena()
    borrowed = nil
    cells = memory
    capacity = byteCount
  }

  /// Forgets all cells and gives the memory back.
  mutating func removeAll() {
    freeArena()
    cells = Self.nothing
    capacity = 0
    borrowed = nil
    usedByteCount = 0
    count = 0
    deadByteCount = 0
    index.release()
    indexedByteCount = 0
    rangeDeletes = []
  }

  // MARK: Messages

  /// Adds a message behind all others. Amortised one copy.
  @inline(__always) mutating func append(kind: UInt8, key: Bytes, operand: Bytes) {
    let needed = Cell.byteCount(key: key.count, operand: operand.count)
    if usedByteCount + needed > capacity { reserve(needed) }
    Cell.write(to: cells + usedByteCount, kind: kind, key: key, operand: operand)
    if kind == OperationKind.deleteRange.rawValue {
      rangeDeletes.append(UInt32(truncatingIfNeeded: usedByteCount))
    }
    usedByteCount += needed
    count += 1
  }

  /// Adds a message that lies as a cell elsewhere; not a range delete.
  @inline(__always) mutating func append(cell: UnsafeRawPointer, byteCount: Int) {
    if usedByteCount + byteCount > capacity { reserve(byteCount) }
    (cells + usedByteCount).copyMemory(from: cell, byteCount: byteCount)
    usedByteCount += byteCount
    count += 1
  }

  /// Brings the index of a buffer up to date.
  mutating func orderMessages() {
    if indexedByteCount == usedByteCount { return }
    let start = index.count
    index.reserve(count - rangeDeletes.count)
    var offset = indexedByteCount
    while offset < usedByteCount {
      let cell = UnsafeRawPointer(cells + offset)
      if Cell.rawKind(cell) != OperationKind.deleteRange.rawValue {
        index.lines[index.count] = IndexLine(
          head: Cell.key(cell).head, offset: UInt32(truncatingIfNeeded: offset))
        index.count += 1
      }
      offset += Cell.byteCount(cell)
    }
    index.sort(from: start, cells)
    indexedByteCount = usedByteCount
  }

  /// The lines about a key; the index is up to date.
  func lines(about key: Bytes) -> Range<Int> {
    let start = index.bound(key, cells)
    var end = start
    let head = key.head
    while end < index.count, index.lines[end].head == head,
      Cell.key(cells + Int(index.lines[end].offset)).compare(key) == 0
    { end += 1 }
    return start..<end
  }

  // MARK: Entries

  /// The line of a basement's key, nil when it has none.
  @inline(__always) func find(_ key: Bytes) -> Int? {
    let position = index.bound(key, cells)
    return isKey(key, at: position) ? position : nil
  }

  /// Whether a line is a key's. The cell is looked at only when the first eight bytes agree.
  @inline(__always) func isKey(_ key: Bytes, at position: Int) -> Bool {
    position < index.count && index.lines[position].head == key.head
      && Cell.key(cells + Int(index.lines[position].offset)).compare(key) == 0
  }

  /// Sets an entry of a basement, at the place `index.bound` gives for its key.
  mutating func setEntry(_ key: Bytes, _ value: Bytes, at position: Int, replaces: Bool) {
    let needed = Cell.byteCount(key: key.count, operand: value.count)
    if usedByteCount + needed > capacity {
      if deadByteCount > usedByteCount / 4, deadByteCount >= needed {
        compact()
      } else {
        reserve(needed)
      }
      // Compacting may leave just too little.
      if usedByteCount + needed > capacity { reserve(needed) }
    }
    let offset = usedByteCount
    Cell.write(to: cells + offset, kind: OperationKind.put.rawValue, key: key, operand: value)
    usedByteCount += needed
    if replaces {
      deadByteCount += Cell.byteCount(cells + Int(index.lines[position].offset))
      index.lines[position].offset = UInt32(truncatingIfNeeded: offset)
    } else {
      index.insert(IndexLine(head: key.head, offset: UInt32(truncatingIfNeeded: offset)), at: position)
      count += 1
    }
    indexedByteCount = usedByteCount
  }

  /// Removes entries of a basement. The bytes stay until the next compaction, also in a borrowed arena.
  mutating func removeEntries(_ range: Range<Int>) {
    for position in range { deadByteCount += Cell.byteCount(cells + Int(index.lines[position].offset)) }
    index.remove(range)
    count -= range.count
    if count == 0 { removeAll() }
  }

  /// Rewrites a basement's live cells in order into memory of its own.
  mutating func compact() {
    // Of the right size: a basement may stay as it is for long.
    let byteCount = max(512, liveByteCount + liveByteCount / 8)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 16)
    var offset = 0
    for position in 0..<index.count {
      let cell = cells + Int(index.lines[position].offset)
      let cellByteCount = Cell.byteCount(cell)
      (memory + offset).copyMemory(from: cell, byteCount: cellByteCount)
      index.lines[position].offset = UInt32(truncatingIfNeeded: offset)
      offset += cellByteCount
    }
    replaceArena(memory, byteCount)
    usedByteCount = offset
    deadByteCount = 0
    indexedByteCount = offset
  }

  /// Moves a basement's entries from a line on into a new run.
  mutating func split(at line: Int) -> CellRun {
    var upper = CellRun()
    upper.use(arenas)
    var byteCount = 0
    for position in line..<index.count {
      byteCount += Cell.byteCount(cells + Int(index.lines[position].offset))
    }
    upper.reserve(byteCount)
    upper.index.reserve(index.count - line)
    for position in line..<index.count {
      let cell = UnsafeRawPointer(cells + Int(index.lines[position].offset))
      upper.index.lines[upper.index.count] = IndexLine(
        head: index.lines[position].head, offset: UInt32(truncatingIfNeeded: upper.usedByteCount))
      upper.index.count += 1
      upper.append(cell: cell, byteCount: Cell.byteCount(cell))
    }
    upper.indexedByteCount = upper.usedByteCount
    removeEntries(line..<index.count)
    if count > 0 { compact() }
    return upper
  }

  // MARK: From the device

  /// Cells that lie in a frame of the device, checked.
  ///
  /// - Returns: what is wrong with them, nil when they were taken.
  mutating func borrow(
    _ bytes: Bytes, of frame: Frame, isBasement: Bool, cellCount: Int, maximumKeyByteCount: Int
  ) -> String? {
    var offset = 0
    var found = 0
    guard cellCount <= bytes.count / Cell.headByteCount else {
      return "\(cellCount) cells do not fit into it"
    }
    if isBasement { index.reserve(cellCount) }
    while offset < bytes.count {
      let rest = Bytes(bytes.start + offset, bytes.count - offset)
      if let problem = Cell.problem(rest, maximumKeyByteCount: maximumKeyByteCount) { return problem }
      let kind = Cell.kind(rest.start)
      if isBasement {
        if kind != .put { return "a \(kind) rests in a leaf" }
        let line = IndexLine(head: Cell.key(rest.start).head, offset: UInt32(truncatingIfNeeded: offset))
        if found >= cellCount { return "it has more cells than its node says" }
        if found > 0, !Self.keyIsBefore(index.lines[found - 1], line, bytes.start) {
          return "its entries are not in order"
        }
        index.lines[found] = line
        index.count = found + 1
      } else if kind == .deleteRange {
        rangeDeletes.append(UInt32(truncatingIfNeeded: offset))
      }
      found += 1
      offset += Cell.byteCount(rest.start)
    }
    guard found == cellCount else { return "it has \(found) cells, its node says \(cellCount)" }
    cells = UnsafeMutableRawPointer(mutating: bytes.start)
    borrowed = frame
    usedByteCount = bytes.count
    count = found
    indexedByteCount = isBasement ? bytes.count : 0
    return nil
  }

  @inline(__always) private static func keyIsBefore(
    _ left: IndexLine, _ right: IndexLine, _ cells: UnsafeRawPointer
  ) -> Bool {
    if left.head != right.head { return left.head < right.head }
    return Cell.key(cells + Int(left.offset)).compare(Cell.key(cells + Int(right.offset))) < 0
  }
}
