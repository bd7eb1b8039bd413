// Goal (page): the bytes of a page are those of the format; a page behaves as a sorted array does, keeps its unused bytes zero,
// and any bytes whatever are either accepted by the check or refused by it, without a trap.
// Method: golden bytes of a small leaf; a model run of inserts, replacements and removals on one page; random and damaged
// images. Seeds are fixed.

import Primitives
import Testing

@testable import BTree

@Suite struct NodePageTests {
  private let geometry = NodeGeometry(pageByteCount: 4_096)
  private let coverage = PageCoverage(pageByteCount: 4_096)
  private var expectation: NodeExpectation {
    NodeExpectation(geometry: geometry, pageLengthBits: 1 << 40, unitCount: 1_000, level: 0)
  }

  private func withPage(_ body: (NodePage, UnsafeMutableRawPointer) -> Void) {
    let memory = UnsafeMutableRawPointer.allocate(byteCount: 4_096 * 3, alignment: 64)
    defer { memory.deallocate() }
    memory.initializeMemory(as: UInt8.self, repeating: 0, count: 4_096 * 3)
    body(NodePage(memory, 4_096), memory + 4_096)
  }

  private func withBytes(_ bytes: [UInt8], _ body: (Bytes) -> Void) {
    bytes.withUnsafeBytes { body(Bytes($0)) }
  }

  @Test func goldenLeaf() {
    withPage { page, _ in
      withBytes(Array("user10".utf8)) { lower in
        withBytes(Array("user19".utf8)) { upper in
          withBytes(Array("user12345678901".utf8)) { key in
            withBytes(Array("value".utf8)) { value in
              var builder = NodeBuilder(page, level: 0, lower: lower, upper: upper)
              builder.append(key: key, value: .inline(value))
            }
          }
        }
      }
      let bytes = (0..<4_096).map { page.base.u8($0) }
      // Kind 1, level 0, 1 slot, prefix 5, fences 6 and 6, an upper fence, cells from 4073 on, no holes.
      let head: [UInt8] = [1, 0, 1, 0, 5, 0, 6, 0, 6, 0, 1, 0, 0xE9, 0x0F, 0, 0]
      #expect(Array(bytes[16..<32]) == head)
      // No inserts yet that follow one another; the next of such a run would go behind the one entry.
      #expect(Array(bytes[32..<48]) == [0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 9))
      // Slot: offset 4073, then "23456789" as a number whose least byte comes first.
      #expect(Array(bytes[48..<58]) == [0xE9, 0x0F] + Array("98765432".utf8))
      // Cell: 10 key bytes after the prefix, 5 value bytes, the key from its ninth byte on, the value; then the fences.
      #expect(Array(bytes[4_073..<4_096]) == [10, 0, 5, 0] + Array("01valueuser19user10".utf8))
      #expect(page.problem(expectation) == nil)
      #expect(coverage.problem(page) == nil)
    }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func aPageBehavesAsASortedArray(seed: UInt64) {
    withPage { page, scratch in
      _ = NodeBuilder(page, level: 0, lower: .empty, upper: nil)
      var model: [(key: [UInt8], value: [UInt8])] = []
      for step in 0..<3_000 {
        let random = draw(seed, step)
        let key = (0..<Int(random >> 8 & 15)).map {
          UInt8(truncatingIfNeeded: draw(seed, $0 + Int(random >> 20 & 63)) & 3)
        }
        let value = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: Int(random >> 32 & 127))
        let place = model.firstIndex { !$0.key.lexicographicallyPrecedes(key) } ?? model.count
        let isPresent = place < model.count && model[place].key == key
        withBytes(key) { bytes in
          let found = page.find(bytes)
          #expect(found.index == place && found.isFound == isPresent)
          withBytes(value) { value in
            if random & 3 == 0 {
              if isPresent {
                page.remove(at: place)
                model.remove(at: place)
              }
            } else if isPresent {
              if page.replaceLeaf(at: place, value: .inline(value), scratch: scratch) {
                model[place].value = [UInt8](value.buffer)
              }
            } else if page.insertLeaf(at: place, key: bytes, value: .inline(value), scratch: scratch) {
              model.insert((key, [UInt8](value.buffer)), at: place)
            }
          }
        }
        if let problem = page.problem(expectation) { Issue.record("seed \(seed), step \(step): \(problem)") }
        if step % 50 == 0 { #expect(coverage.problem(page) == nil) }
      }
      #expect(page.slotCount == model.count)
      for (index, entry) in model.enumerated() {
        #expect([UInt8](page.copyKey(index, to: scratch).buffer) == entry.key)
        #expect([UInt8](page.valueField(index).buffer) == entry.value)
      }
    }
  }

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func anyBytesAreAcceptedOrRefused(seed: UInt64) {
    withPage { page, scratch in
      for round in 0..<2_000 {
        _ = NodeBuilder(page, level: 0, lower: .empty, upper: nil)
        for number in 0..<12 {
          withBytes(key(number * 1_000)) { key in
            _ = page.insertLeaf(at: number, key: key, value: .inline(.empty), scratch: scratch)
          }
        }
        // A few damaged bytes in head, slots and cells, or all of them.
        let count = round % 4 == 0 ? 4_096 : 1 + round % 5
        for index in 0..<count {
          let random = draw(seed, round * 4_096 + index)
          let offset =
            count == 4_096 ? index : Int(random % 2 == 0 ? (random >> 8) % 200 : 3_900 + (random >> 8) % 196)
          page.base.setU8(16 + (offset % 4_080), UInt8(truncatingIfNeeded: random >> 32))
        }
        if page.problem(expectation) == nil {
          withBytes(key(5_000)) { _ = page.find($0) }
        }
      }
    }
  }
}
