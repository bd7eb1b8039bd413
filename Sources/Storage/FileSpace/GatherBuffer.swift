// The gather buffer: a guest's writes between two syncs, unit by unit, with the owner of every byte.
//
//   unit 17 of file 3      0 ──── 24 ───────────────────────── 4096
//   content                │ hdr  │ page                        │        one transfer unit of memory
//   runs                   │ frame│ leaf, level 0               │        whose bytes; gaps are not written yet
//
// Invariants
// 1. The runs of a unit are sorted, do not overlap, do not touch a neighbour of the same owner, and cover exactly
//    the bytes written since the buffer was last emptied.
// 2. Every request is counted in one run or in `carried` (when later writes covered all of it): what the guest
//    asked is what the ledger gets.
// 3. The buffer only fills; `removeAll` empties it as a whole.

import Accounting

/// Gathered units and a table to find them. Allocates when made and never after.
final class GatherBuffer {
  struct Run {
    var start: UInt32
    var end: UInt32
    var attribution: Attribution
    var requestedOperationCount: UInt32
    var requestedByteCount: UInt64
  }

  struct Unit {
    var file: Unmanaged<SpaceFile>
    var number: UInt64
    var runCount: Int32
    /// Bytes in runs.
    var coveredByteCount: Int32
    /// Whether the bytes outside the runs hold what the file held before.
    var isFilled: Bool
  }

  let unitByteCount: Int
  let unitShift: UInt64
  let capacity: Int
  let runCapacity: Int
  private(set) var count = 0
  /// Requests that no run is left of.
  var carried: ContiguousArray<Piece> = []

  let units: UnsafeMutablePointer<Unit>
  private let runs: UnsafeMutablePointer<Run>
  private let scratch: UnsafeMutablePointer<Run>
  private let memory: UnsafeMutableRawPointer
  private let table: UnsafeMutablePointer<Int32>
  private let tableMask: Int
  private var lastFound = -1

  /// A buffer of `capacity` units.
  init(unitByteCount: Int, capacity: Int) {
    precondition(unitByteCount.nonzeroBitCount == 1 && capacity > 0, "A gather buffer has units of 2ⁿ bytes.")
    self.unitByteCount = unitByteCount
    self.capacity = capacity
    unitShift = UInt64(unitByteCount.trailingZeroBitCount)
    runCapacity = Self.runCapacity(unitByteCount: unitByteCount)
    units = .allocate(capacity: capacity)
    runs = .allocate(capacity: capacity * runCapacity)
    scratch = .allocate(capacity: runCapacity + 3)
    memory = .allocate(byteCount: capacity * unitByteCount, alignment: 4_096)
    let tableCount = Self.tableCount(capacity: capacity)
    tableMask = tableCount - 1
    table = .allocate(capacity: tableCount)
    table.initialize(repeating: -1, count: tableCount)
  }

  deinit {
    units.deallocate()
    runs.deallocate()
    scratch.deallocate()
    memory.deallocate()
    table.deallocate()
  }

  /// Enough for SQLite's smallest pages and their frame headers; one more run empties the buffer early.
  static func runCapacity(unitByteCount: Int) -> Int { max(20, unitByteCount / 200) }

  private static func tableCount(capacity: Int) -> Int {
    var count = 16
    while count < 4 * capacity { count *= 2 }
    return count
  }

  /// The memory of a buffer, in bytes.
  static func memoryByteCount(unitByteCount: Int, capacity: Int) -> Int {
    let perUnit =
      unitByteCount + MemoryLayout<Unit>.stride
      + runCapacity(unitByteCount: unitByteCount) * MemoryLayout<Run>.stride
    return capacity * perUnit + tableCount(capacity: capacity) * MemoryLayout<Int32>.stride
  }

  /// The content of a gathered unit.
  func content(_ index: Int) -> UnsafeMutableRawPointer { memory + index * unitByteCount }

  /// The runs of a gathered unit.
  func runs(of index: Int) -> UnsafeMutableBufferPointer<Run> {
    UnsafeMutableBufferPointer(start: runs + index * runCapacity, count: Int(units[index].runCount))
  }

  private func bucket(_ file: UInt32, _ unit: UInt64) -> Int {
    var x = unit &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(file) &* 0xC2B2_AE3D_27D4_EB4F
    x ^= x >> 29
    return Int(truncatingIfNeeded: x) & tableMask
  }

  /// The index of a gathered unit, nil when it is not gathered.
  func find(_ file: SpaceFile, _ unit: UInt64) -> Int? {
    if lastFound >= 0, units[lastFound].number == unit, units[lastFound].file.toOpaque() == id(file) {
      return lastFound
    }
    var place = bucket(file.id, unit)
    while table[place] >= 0 {
      let index = Int(table[place])
      if units[index].number == unit && units[index].file.toOpaque() == id(file) {
        lastFound = index
        return index
      }
      place = (place + 1) & tableMask
    }
    return nil
  }

  private func id(_ file: SpaceFile) -> UnsafeMutableRawPointer { Unmanaged.passUnretained(file).toOpaque() }

  /// Adds a unit that is not gathered yet, nil when the buffer is full.
  func add(_ file: SpaceFile, _ unit: UInt64) -> Int? {
    guard count < capacity else { return nil }
    let index = count
    count += 1
    (units + index).initialize(
      to: Unit(
        file: .passUnretained(file), number: unit, runCount: 0, coveredByteCount: 0, isFilled: false))
    var place = bucket(file.id, unit)
    while table[place] >= 0 { place = (place + 1) & tableMask }
    table[place] = Int32(index)
    lastFound = index
    file.gatheredUnitCount += 1
    return index
  }

  /// Whether one more write surely fits the unit's runs.
  func hasRoomForRun(_ index: Int) -> Bool { Int(units[index].runCount) + 2 <= runCapacity }

  /// Whether every byte of [start, end) of a unit is known here.
  func covers(_ index: Int, _ start: Int, _ end: Int) -> Bool {
    if units[index].isFilled || Int(units[index].coveredByteCount) == unitByteCount { return true }
    var position = start
    for run in runs(of: index) where Int(run.end) > position {
      if Int(run.start) > position { return false }
      position = Int(run.end)
      if position >= end { return true }
    }
    return position >= end
  }

  /// Makes [start, end) of a unit the attribution's: the bytes were just written there.
  ///
  /// Precondition: `hasRoomForRun`.
  func mark(
    _ index: Int, _ start: Int, _ end: Int, _ attribution: Attribution, requestedOperationCount: Int,
    requestedByteCount: Int
  ) {
    var new = Run(
      start: UInt32(start), end: UInt32(end), attribution: attribution,
      requestedOperationCount: UInt32(requestedOperationCount), requestedByteCount: UInt64(requestedByteCount)
    )
    let base = runs + index * runCapacity
    let runCount = Int(units[index].runCount)
    if runCount == 0 || Int(base[runCount - 1].end) <= start {
      // The common case: the write continues the unit.
      if runCount > 0, base[runCount - 1].end == new.start, base[runCount - 1].attribution == attribution {
        base[runCount - 1].end = new.end
        base[runCount - 1].requestedOperationCount &+= new.requestedOperationCount
        base[runCount - 1].requestedByteCount += new.requestedByteCount
      } else {
        (base + runCount).initialize(to: new)
        units[index].runCount += 1
      }
      units[index].coveredByteCount += Int32(end - start)
      return
    }
    var kept = 0
    var isPlaced = false
    func keep(_ run: Run) {
      if kept > 0, scratch[kept - 1].end == run.start, scratch[kept - 1].attribution == run.attribution {
        scratch[kept - 1].end = run.end
        scratch[kept - 1].requestedOperationCount &+= run.requestedOperationCount
        scratch[kept - 1].requestedByteCount += run.requestedByteCount
      } else {
        (scratch + kept).initialize(to: run)
        kept += 1
      }
    }
    // First what the new run swallows, so that it enters with its final counts.
    for number in 0..<runCount where base[number].start >= new.start && base[number].end <= new.end {
      let run = base[number]
      if run.attribution == attribution {
        new.requestedOperationCount &+= run.requestedOperationCount
        new.requestedByteCount += run.requestedByteCount
      } else if run.requestedOperationCount > 0 || run.requestedByteCount > 0 {
        carry(run)
      }
    }
    for number in 0..<runCount {
      let run = base[number]
      if run.end <= new.start {
        keep(run)
        continue
      }
      var left = run
      if run.start < new.start {
        left.end = new.start
        keep(left)
      }
      if !isPlaced {
        keep(new)
        isPlaced = true
      }
      if run.end > new.end {
        var right = run
        if run.start < new.start {
          right.requestedOperationCount = 0
          right.requestedByteCount = 0
        }
        right.start = max(run.start, new.end)
        keep(right)
      }
    }
    if !isPlaced { keep(new) }
    precondition(kept <= runCapacity, "A unit's runs fit their place.")
    var covered = 0
    for number in 0..<kept {
      (base + number).initialize(to: scratch[number])
      covered += Int(scratch[number].end - scratch[number].start)
    }
    units[index].runCount = Int32(kept)
    units[index].coveredByteCount = Int32(covered)
  }

  private func carry(_ run: Run) {
    for index in carried.indices
    where carried[index].cause == run.attribution.cause && carried[index].level == run.attribution.level {
      carried[index].requestedOperationCount += Int(run.requestedOperationCount)
      carried[index].requestedByteCount += Int(run.requestedByteCount)
      return
    }
    carried.append(
      Piece(
        cause: run.attribution.cause, level: run.attribution.level,
        requestedOperationCount: Int(run.requestedOperationCount),
        requestedByteCount: Int(run.requestedByteCount), transferredByteCount: 0))
  }

  /// Calls `body` with every range of a unit that no run covers.
  func forEachGap(_ index: Int, _ body: (_ start: Int, _ end: Int) -> Void) {
    var position = 0
    for run in runs(of: index) {
      if Int(run.start) > position { body(position, Int(run.start)) }
      position = Int(run.end)
    }
    if position < unitByteCount { body(position, unitByteCount) }
  }

  /// Forgets everything gathered.
  func removeAll() {
    for index in 0..<count {
      units[index].file.takeUnretainedValue().gatheredUnitCount = 0
      units[index].runCount = 0
    }
    count = 0
    lastFound = -1
    carried.removeAll(keepingCapacity: true)
    table.update(repeating: -1, count: tableMask + 1)
  }
}
