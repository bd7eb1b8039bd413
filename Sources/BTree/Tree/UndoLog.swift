// How a transaction that fails takes back what it changed in place: one short record for each step, undone backwards.
//
//   page   ──insert at slot i──▶ page'      record  [ insert  │ page │ i, insert run ]             32 bytes
//          ──child, value ────▶ page'      record  [ bytes   │ page │ offset, count │ old bytes ]
//          ──anything else ───▶ page'      record  [ image   │ page │ the page as it was ]
//
//   commit    forget the records, let go of the pages
//   failure   last record first ─▶ every page as it was, byte for byte
//
// Only pages that were born since the last durable commit and that no pin sees are changed in place; older ones are copied
// and need no record. So the records never concern what a superblock or a snapshot reaches.
//
// Invariants
// 1. A page with a record is held until the transaction ends: it is neither written nor evicted half changed, and stays
//    where the record says.
// 2. Undoing reads and writes memory only: it cannot fail.
// 3. Images, old values and held pages together take at most `limitByteCount`, and at most `heldPageLimit` pages are held, so
//    that the cache never has nothing but pages it cannot let go; beyond it pages are copied instead. Records of fixed size
//    may go beyond: one for each operation or copied page, reserved with the sorted batch.
//
// Source: C. Mohan et al., "ARIES", ACM TODS 17(1), 1992 (undo by compensating single updates); here the undo is never
// logged, because no page with an unfinished change is written.

import Primitives
import Storage

/// What the open transaction has to take back. A handle on memory of its own, so that adding a record is some stores.
struct UndoLog {
  /// Bytes of a record, and of a held page's lease.
  static let recordByteCount = 32

  private enum Kind: UInt32 {
    case insert
    case bytes
    case image
  }

  private struct Record {
    var page: UnsafeMutableRawPointer
    var offset: UInt32
    var byteCount: UInt32
    var payload: Int
    var kind: Kind
    var run: UInt32
  }

  private struct State: ~Copyable {
    var records: UnsafeMutablePointer<Record>
    var recordCount = 0
    var recordCapacity: Int
    var bytes: UnsafeMutableRawPointer
    var byteCount = 0
    var byteCapacity: Int
    var held: UnsafeMutablePointer<NodeLease>
    var heldCount = 0
    var heldCapacity: Int
  }

  private let state: UnsafeMutablePointer<State>
  private let limitByteCount: Int
  private let heldPageLimit: Int

  init(limitByteCount: Int, heldPageLimit: Int) {
    self.limitByteCount = limitByteCount
    self.heldPageLimit = heldPageLimit
    state = .allocate(capacity: 1)
    state.initialize(
      to: State(
        records: .allocate(capacity: 64), recordCapacity: 64,
        bytes: .allocate(byteCount: 4_096, alignment: 16), byteCapacity: 4_096,
        held: .allocate(capacity: 64), heldCapacity: 64))
  }

  /// Gives the memory back. The owner calls it once, last.
  func deallocate() {
    clear()
    state.pointee.records.deallocate()
    state.pointee.bytes.deallocate()
    state.pointee.held.deallocate()
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// Whether there is nothing to take back.
  var isEmpty: Bool { state.pointee.recordCount == 0 }

  /// Whether one more page can be held and `byteCount` more bytes be kept.
  @inline(__always) func hasRoom(_ byteCount: Int) -> Bool {
    state.pointee.heldCount < heldPageLimit
      && state.pointee.byteCount &+ byteCount &+ (state.pointee.heldCount &+ 1) &* Self.recordByteCount
        <= limitByteCount
  }

  // MARK: Adding

  /// Keeps a page that is going to be changed in place.
  @inline(__always) func hold(_ lease: consuming NodeLease) {
    if state.pointee.heldCount == state.pointee.heldCapacity { growHeld() }
    (state.pointee.held + state.pointee.heldCount).initialize(to: lease)
    state.pointee.heldCount &+= 1
  }

  /// An entry is about to go in before slot `index`, into the gap.
  @inline(__always) func willInsert(at index: Int, into page: NodePage) {
    add(
      Record(
        page: page.base, offset: UInt32(truncatingIfNeeded: index),
        byteCount: UInt32(truncatingIfNeeded: page.byteCount), payload: 0, kind: .insert,
        run: page.insertState))
  }

  /// `count` bytes of a page from `offset` on are about to change.
  @inline(__always) func willChange(_ page: NodePage, _ offset: Int, _ count: Int) {
    let payload = keep(page.base + offset, count)
    add(
      Record(
        page: page.base, offset: UInt32(truncatingIfNeeded: offset),
        byteCount: UInt32(truncatingIfNeeded: count), payload: payload, kind: .bytes, run: 0))
  }

  /// A page is about to change in any way.
  func willRebuild(_ page: NodePage) {
    let count = page.byteCount - 16
    let payload = keep(page.base + 16, count)
    add(
      Record(
        page: page.base, offset: 16, byteCount: UInt32(truncatingIfNeeded: count), payload: payload,
        kind: .image, run: 0))
  }

  @inline(__always) private func add(_ record: Record) {
    if state.pointee.recordCount == state.pointee.recordCapacity { growRecords() }
    (state.pointee.records + state.pointee.recordCount).initialize(to: record)
    state.pointee.recordCount &+= 1
  }

  @inline(__always) private func keep(_ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    let payload = state.pointee.byteCount
    if payload &+ count > state.pointee.byteCapacity { growBytes(to: payload + count) }
    (state.pointee.bytes + payload).copyMemory(from: bytes, byteCount: count)
    state.pointee.byteCount = payload &+ count
    return payload
  }

  @inline(never) private func growHeld() {
    let larger = UnsafeMutablePointer<NodeLease>.allocate(capacity: state.pointee.heldCapacity * 2)
    larger.moveInitialize(from: state.pointee.held, count: state.pointee.heldCount)
    state.pointee.held.deallocate()
    state.pointee.held = larger
    state.pointee.heldCapacity *= 2
  }

  @inline(never) private func growRecords() {
    let larger = UnsafeMutablePointer<Record>.allocate(capacity: state.pointee.recordCapacity * 2)
    larger.moveInitialize(from: state.pointee.records, count: state.pointee.recordCount)
    state.pointee.records.deallocate()
    state.pointee.records = larger
    state.pointee.recordCapacity *= 2
  }

  @inline(never) private func growBytes(to needed: Int) {
    var capacity = state.pointee.byteCapacity
    while capacity < needed { capacity *= 2 }
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: state.pointee.bytes, byteCount: state.pointee.byteCount)
    state.pointee.bytes.deallocate()
    state.pointee.bytes = larger
    state.pointee.byteCapacity = capacity
  }

  // MARK: Ends

  /// Forgets the records and lets go of the pages: the transaction is committed.
  func clear() {
    for index in 0..<state.pointee.heldCount { (state.pointee.held + index).deinitialize(count: 1) }
    state.pointee.heldCount = 0
    state.pointee.recordCount = 0
    state.pointee.byteCount = 0
  }

  /// Takes everything back, then forgets it.
  func rollBack() {
    var index = state.pointee.recordCount
    while index > 0 {
      index -= 1
      let record = state.pointee.records[index]
      switch record.kind {
      case .insert:
        NodePage(record.page, Int(record.byteCount)).takeBackInsert(
          at: Int(record.offset), insertState: record.run)
      case .bytes, .image:
        (record.page + Int(record.offset)).copyMemory(
          from: state.pointee.bytes + record.payload, byteCount: Int(record.byteCount))
      }
    }
    clear()
  }
}

extension NodePage {
  /// Makes the page what it was before its latest insert, which went before slot `index` into the gap.
  func takeBackInsert(at index: Int, insertState: UInt32) {
    let offset = cellOffset(index)
    precondition(offset == cellStart, "The latest cell is the lowest.")
    let count = cellByteCount(index)
    (base + offset).initializeMemory(as: UInt8.self, repeating: 0, count: count)
    setCellStart(offset + count)
    closeSlot(index)
    setInsertState(insertState)
  }
}
