// The memory device's table: which frame holds each unit. A value with two levels, shared page by page between clones.
//
//   directory   [ page 0 ][ nil ][ page 2 ] …          one entry per 512 units; nil reads as zero
//                  │
//   table page  [ frame A @ 0 ][ frame A @ 4096 ][ nil ][ frame B @ 0 ] …      512 units
//
// Invariants
// 1. A copy of the table is a clone: a page is copied before it changes while another table has it.
// 2. `occupiedUnitCount` = units with a frame.
//
// It is a value so that one exclusive access to the device covers a whole batch.

import CSystem

/// Units and the frames they lie in.
struct UnitTable {
  /// Units that have a frame.
  private(set) var occupiedUnitCount = 0
  private var directory: ContiguousArray<TablePage?>

  /// A table of `unitCount` empty units.
  init(unitCount: Int) {
    directory = ContiguousArray(
      repeating: nil, count: (unitCount + TablePage.unitCount - 1) / TablePage.unitCount)
  }

  /// How many units the directory covers, full pages counted.
  var coveredUnitCount: Int { directory.count * TablePage.unitCount }

  /// The frame of a unit and where in it the unit begins, nil when it reads as zero.
  func place(_ unit: Int) -> (frame: Frame, offset: Int)? {
    guard let page = directory[unit / TablePage.unitCount] else { return nil }
    return page.place(unit % TablePage.unitCount)
  }

  /// Where the bytes of a unit are, nil when it reads as zero; valid until the table changes.
  func pointer(_ unit: Int) -> UnsafeMutableRawPointer? {
    guard let page = directory[unit / TablePage.unitCount] else { return nil }
    return page.pointer(unit % TablePage.unitCount)
  }

  /// Whether a unit lies in `frame` at `offset`.
  func holds(_ frame: Frame, offset: Int, at unit: Int) -> Bool {
    guard let page = directory[unit / TablePage.unitCount] else { return false }
    return page.holds(frame, offset: offset, at: unit % TablePage.unitCount)
  }

  /// What was stored with the unit's frame, 0 when it has none.
  func checksum(_ unit: Int) -> UInt32 {
    guard let page = directory[unit / TablePage.unitCount] else { return 0 }
    return page.checksum(unit % TablePage.unitCount)
  }

  /// Puts `frame` at a unit; the one that was there goes back to its pool if nobody else holds it.
  mutating func set(_ unit: Int, frame: Frame, offset: Int, checksum: UInt32) {
    let page = ownedPage(unit / TablePage.unitCount)
    let before = page.occupiedCount
    page.set(unit % TablePage.unitCount, frame: frame, offset: offset, checksum: checksum)
    occupiedUnitCount += page.occupiedCount - before
  }

  /// Asks memory for the object of the frame at a unit, which is going to be let go.
  func prefetchFrame(at unit: Int) {
    guard let page = directory[unit / TablePage.unitCount] else { return }
    page.prefetchFrame(at: unit % TablePage.unitCount)
  }

  /// Empties the units of a range; whole pages leave the directory.
  mutating func clear(_ units: Range<Int>) {
    var unit = units.lowerBound
    while unit < units.upperBound {
      let number = unit / TablePage.unitCount
      let end = min(units.upperBound, (number + 1) * TablePage.unitCount)
      if let page = directory[number] {
        if end - unit == TablePage.unitCount {
          occupiedUnitCount -= page.occupiedCount
          directory[number] = nil
        } else if page.occupiedCount > 0 {
          let owned = ownedPage(number)
          let before = owned.occupiedCount
          for cleared in unit..<end {
            owned.set(cleared % TablePage.unitCount, frame: nil, offset: 0, checksum: 0)
          }
          occupiedUnitCount += owned.occupiedCount - before
        }
      }
      unit = end
    }
  }

  /// The page, made when there is none, copied when a clone has it too.
  private mutating func ownedPage(_ number: Int) -> TablePage {
    // Nil is not uniquely referenced, so an empty place goes the second way.
    if isKnownUniquelyReferenced(&directory[number]), let page = directory[number] { return page }
    let page = directory[number]?.copy() ?? TablePage()
    directory[number] = page
    return page
  }

  /// Calls `body` for every unit that has bytes, in order.
  func forEach(_ body: (_ unit: Int, _ bytes: UnsafeMutableRawPointer) -> Void) {
    for number in directory.indices {
      guard let page = directory[number] else { continue }
      for slot in 0..<TablePage.unitCount {
        if let pointer = page.pointer(slot) { body(number * TablePage.unitCount + slot, pointer) }
      }
    }
  }
}

/// 512 entries of the table: which frame holds a unit, and where in it.
private final class TablePage {
  static let unitCount = 512

  private struct Entry {
    var frame: Frame?
    var offset: UInt32
    var checksum: UInt32
  }

  private let entries: UnsafeMutablePointer<Entry>
  private(set) var occupiedCount = 0

  init() {
    entries = .allocate(capacity: Self.unitCount)
    entries.initialize(repeating: Entry(frame: nil, offset: 0, checksum: 0), count: Self.unitCount)
  }

  private init(copying original: TablePage) {
    entries = .allocate(capacity: Self.unitCount)
    entries.initialize(from: original.entries, count: Self.unitCount)
    occupiedCount = original.occupiedCount
  }

  deinit {
    entries.deinitialize(count: Self.unitCount)
    entries.deallocate()
  }

  func copy() -> TablePage { TablePage(copying: self) }

  func place(_ slot: Int) -> (frame: Frame, offset: Int)? {
    guard let frame = entries[slot].frame else { return nil }
    return (frame, Int(entries[slot].offset))
  }

  func checksum(_ slot: Int) -> UInt32 { entries[slot].checksum }

  /// Where the unit's bytes are; valid while the page is not changed.
  func pointer(_ slot: Int) -> UnsafeMutableRawPointer? {
    guard let frame = entries[slot].frame else { return nil }
    return frame.pointer + Int(entries[slot].offset)
  }

  func holds(_ frame: Frame, offset: Int, at slot: Int) -> Bool {
    entries[slot].frame === frame && entries[slot].offset == UInt32(truncatingIfNeeded: offset)
  }

  func set(_ slot: Int, frame: Frame?, offset: Int, checksum: UInt32) {
    precondition(offset <= Int(UInt32.max), "A frame is smaller than 4 GiB.")
    var old = entries[slot].frame.take()
    occupiedCount += (frame == nil ? 0 : 1) - (old == nil ? 0 : 1)
    entries[slot] = Entry(frame: frame, offset: UInt32(offset), checksum: checksum)
    if old != nil { FramePool.release(&old) }
  }

  func prefetchFrame(at slot: Int) {
    // The entry's first word is the frame's address, or zero.
    let word = UnsafeRawPointer(entries + slot).load(as: UInt.self)
    if let object = UnsafeRawPointer(bitPattern: word) { betula_prefetch(object) }
  }
}
