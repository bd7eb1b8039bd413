// Goal (node layer): a split keeps every entry, once, in order, in two pages that fit between their fences; compacting a page
// with holes regains every free byte; looking for unused bytes allocates nothing.
// Method: pages filled with keys and values of drawn sizes, cut where the rule says for an entry that finds no room anywhere in
// them; leaves and interior pages; all entries compared. Seeds are in the arguments.

import CAllocationCount
import Primitives
import Testing

@testable import BTree

@Suite struct NodeLayerTests {
  private struct Entry: Equatable {
    var key: [UInt8]
    var value: [UInt8]
    var child: UInt64 = 0
  }

  private static let pageByteCount = 4_096
  private let geometry = NodeGeometry(pageByteCount: pageByteCount)
  private let coverage = PageCoverage(pageByteCount: pageByteCount)

  private func expectation(_ level: Int) -> NodeExpectation {
    NodeExpectation(geometry: geometry, pageLengthBits: 1 << 40, unitCount: 1 << 30, level: level)
  }

  /// Memory for some pages and keys.
  private func withPages(
    _ body: (_ page: (Int) -> NodePage, _ room: (Int) -> UnsafeMutableRawPointer) -> Void
  ) {
    let size = Self.pageByteCount * 2
    let memory = UnsafeMutableRawPointer.allocate(byteCount: size * 8, alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: size * 8)
    body({ NodePage(memory + size * $0, Self.pageByteCount) }, { memory + size * (4 + $0) })
  }

  private func withBytes(_ bytes: [UInt8], _ body: (Bytes) -> Void) {
    bytes.withUnsafeBytes { body(Bytes($0)) }
  }

  /// A key between the fences, of some style: much shared, little shared, short, as long as allowed.
  private func makeKey(_ seed: UInt64, _ index: Int) -> [UInt8] {
    let random = draw(seed, index)
    var bytes = [UInt8(0x40)] + withUnsafeBytes(of: (random >> 12).bigEndian) { Array($0) }
    switch random % 7 {
    case 0: bytes = Array(bytes.prefix(2 + Int(random >> 8) % 4))
    case 1: bytes += [UInt8](repeating: 3, count: Int(random >> 8) % (geometry.maximumKeyByteCount - 9))
    case 2: bytes = [0x40, 0x41, 0x42, 0x43, 0x44, 0x45] + bytes
    default: break
    }
    return bytes
  }

  private func entries(_ page: NodePage, _ room: UnsafeMutableRawPointer) -> [Entry] {
    (0..<page.slotCount).map { index in
      Entry(
        key: [UInt8](page.copyKey(index, to: room).buffer),
        value: page.isLeaf ? [UInt8](page.valueField(index).buffer) : [],
        child: page.isLeaf ? 0 : page.child(index + 1))
    }
  }

  /// Puts entries into a page until one finds no room, and gives that one and its place.
  private func fill(
    _ page: NodePage, level: Int, seed: UInt64, scratch: UnsafeMutableRawPointer,
    room: UnsafeMutableRawPointer
  ) -> (entry: Entry, place: Int) {
    var index = 0
    var ascending: UInt64 = 0
    while true {
      index += 1
      var key = makeKey(seed, index)
      // Some pages in order, to meet the cuts for streams.
      if seed % 3 == 0 {
        ascending += 1 + draw(seed, index) % 9
        key = [0x40] + withUnsafeBytes(of: ascending.bigEndian) { Array($0) }
      }
      let value = [UInt8](repeating: UInt8(index & 255), count: Int(draw(seed ^ 5, index) % 300))
      var refused: Int?
      withBytes(key) { bytes in
        let (place, isFound) = page.find(bytes)
        if isFound { return }
        var isIn = false
        if level == 0 {
          withBytes(value) {
            isIn = page.insertLeaf(at: place, key: bytes, value: .inline($0), scratch: scratch)
          }
        } else {
          isIn = page.insertInterior(
            at: place, key: bytes, child: 1 << 40 | UInt64(index + 2), scratch: scratch)
        }
        if !isIn { refused = place }
      }
      if let refused { return (Entry(key: key, value: value, child: 1 << 40 | UInt64(index + 2)), refused) }
    }
  }

  private func begin(_ page: NodePage, level: Int, seed: UInt64) {
    let lower: [UInt8] = seed % 2 == 0 ? [] : [0x40]
    let upper: [UInt8] = [0x40] + [UInt8](repeating: 0xFF, count: 12)
    withBytes(lower) { low in
      withBytes(upper) { high in
        _ = NodeBuilder(
          page, level: level, lower: low, upper: seed % 5 == 0 ? nil : high,
          leftmostChild: level == 0 ? 0 : 1 << 40 | 2)
      }
    }
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func aSplitLeafKeepsItsEntriesInOrder(seed: UInt64) {
    withPages { page, room in
      let whole = page(0)
      begin(whole, level: 0, seed: seed)
      let (pending, place) = fill(whole, level: 0, seed: seed, scratch: room(0), room: room(1))
      let before = entries(whole, room(1))
      withBytes(pending.key) { key in
        let cut = whole.leafCut(pending: place, pendingKey: key, target: room(2), scratch: room(1))
        let separator = [UInt8](cut.separator.buffer)
        let (left, right) = (page(1), page(2))
        var first = NodeBuilder(left, level: 0, lower: whole.lowerFence, upper: cut.separator)
        first.append(0..<cut.index, of: whole, key: room(1))
        var second = NodeBuilder(
          right, level: 0, lower: cut.separator, upper: whole.hasUpperFence ? whole.upperFence : nil)
        second.append(cut.index..<whole.slotCount, of: whole, key: room(1))
        #expect(left.problem(expectation(0)) == nil && right.problem(expectation(0)) == nil)
        #expect(coverage.problem(left) == nil && coverage.problem(right) == nil)
        #expect(entries(left, room(1)) + entries(right, room(1)) == before)
        // The shortest bytes that tell the sides apart, the waiting entry included.
        let lastLeft = max(
          entries(left, room(1)).last?.key ?? [],
          place <= cut.index && pending.key < separator ? pending.key : [])
        #expect(lastLeft < separator)
        #expect(Array(separator.dropLast()) <= lastLeft)
        if let firstRight = entries(right, room(1)).first { #expect(separator <= firstRight.key) }
      }
    }
  }

  @Test(arguments: 1...60 as ClosedRange<UInt64>)
  func aSplitInteriorPageKeepsItsChildrenInOrder(seed: UInt64) {
    withPages { page, room in
      let whole = page(0)
      begin(whole, level: 1, seed: seed)
      let (pending, place) = fill(whole, level: 1, seed: seed, scratch: room(0), room: room(1))
      let before = entries(whole, room(1))
      withBytes(pending.key) { key in
        let cut = whole.interiorCut(
          pending: place, pendingByteCount: whole.interiorEntryByteCount(key: key), target: room(2))
        let (left, right) = (page(1), page(2))
        var first = NodeBuilder(
          left, level: 1, lower: whole.lowerFence, upper: cut.separator, leftmostChild: whole.child(0))
        first.append(0..<cut.index, of: whole, key: room(1))
        var second = NodeBuilder(
          right, level: 1, lower: cut.separator, upper: whole.hasUpperFence ? whole.upperFence : nil,
          leftmostChild: whole.child(cut.index + 1))
        second.append((cut.index + 1)..<whole.slotCount, of: whole, key: room(1))
        let middle = Entry(key: [UInt8](cut.separator.buffer), value: [], child: right.child(0))
        #expect(entries(left, room(1)) + [middle] + entries(right, room(1)) == before)
        #expect(left.child(0) == whole.child(0))
        // The separator that waits fits into its side.
        let side = place <= cut.index ? left : right
        let slot = place <= cut.index ? place : place - cut.index - 1
        #expect(side.insertInterior(at: slot, key: key, child: pending.child, scratch: room(0)))
        for half in [left, right] {
          #expect(half.problem(expectation(1)) == nil && coverage.problem(half) == nil)
        }
      }
    }
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func compactingRegainsEveryFreeByte(seed: UInt64) {
    withPages { page, room in
      let whole = page(0)
      begin(whole, level: 0, seed: seed)
      _ = fill(whole, level: 0, seed: seed, scratch: room(0), room: room(1))
      // Holes: entries go out here and there.
      var index = 0
      while index < whole.slotCount {
        if draw(seed, index) % 3 == 0 { whole.remove(at: index) }
        index += 1
      }
      let before = entries(whole, room(1))
      let free = whole.freeByteCount
      whole.compact(room(0))
      #expect(whole.holeByteCount == 0 && whole.gapByteCount == free && whole.freeByteCount == free)
      #expect(entries(whole, room(1)) == before)
      #expect(whole.problem(expectation(0)) == nil && coverage.problem(whole) == nil)
      // All of it can be used: by one entry, to the last byte.
      let last: [UInt8] = [0x40, 0xFE]
      withBytes(last) { key in
        let rest = free - whole.leafEntryByteCount(key: key, value: .inline(.empty))
        withBytes([UInt8](repeating: 1, count: max(0, rest))) { value in
          #expect(
            whole.insertLeaf(at: whole.slotCount, key: key, value: .inline(value), scratch: room(0))
              == (rest >= 0))
        }
        if rest >= 0 { #expect(whole.freeByteCount == 0) }
      }
    }
  }

  @Test(.enabled(if: betula_counts_allocations() == 1))
  func lookingForUnusedBytesAllocatesNothing() {
    withPages { page, room in
      let whole = page(0)
      begin(whole, level: 0, seed: 7)
      _ = fill(whole, level: 0, seed: 7, scratch: room(0), room: room(1))
      let before = betula_allocation_count()
      var wrong = 0
      for _ in 0..<100 where coverage.problem(whole) != nil { wrong += 1 }
      #expect(betula_allocation_count() == before && wrong == 0)
    }
  }

  @Test func sharedBytesAndForgottenOnesAreFound() {
    withPages { page, room in
      let whole = page(0)
      begin(whole, level: 0, seed: 7)
      _ = fill(whole, level: 0, seed: 7, scratch: room(0), room: room(1))
      whole.remove(at: 3)
      #expect(coverage.problem(whole) == nil)
      whole.base.setU8(whole.cellStart - 1, 1)
      #expect(coverage.problem(whole) == "an unused byte is not zero")
      whole.base.setU8(whole.cellStart - 1, 0)
      whole.slot(1).setU16(0, UInt16(whole.cellOffset(2)))
      #expect(coverage.problem(whole)?.contains("shares bytes") == true)
    }
  }
}

extension [UInt8] {
  fileprivate static func < (left: [UInt8], right: [UInt8]) -> Bool { left.lexicographicallyPrecedes(right) }
  fileprivate static func <= (left: [UInt8], right: [UInt8]) -> Bool { !(right < left) }
}

/// The larger of two keys.
private func max(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] { left < right ? right : left }
