// Goal: an older image of a node, right in every checksum, under the right number and in the right place, is not taken for the node:
// the write that should have replaced it was lost. The same of long values and of buffers in a section.
// Method: a small tree is written again and again, until places are used again by the same nodes; then the units of an earlier image
// are put back where a newer one lies. Whatever is read then answers with the lost write, and never with the older content; the
// same image with the newer one put back is sound again. Seeds are fixed.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BEpsilonTree
@testable import Storage

@Suite struct LostWriteTests {
  /// Puts units of another device's state in the place of those of `memory`.
  private func restore(_ extent: Extent, of older: MemoryDevice, in memory: MemoryDevice) throws {
    let frame = memory.pool.frame(byteCount: extent.byteCount, zeroed: true)
    let bytes = older.peek(at: extent.offset, byteCount: extent.byteCount)
    frame.mutableBytes.copyBytes(from: bytes)
    var batch = TransferBatch()
    batch.append(
      .write, offset: extent.offset, memory: .frame(frame, offset: 0), byteCount: extent.byteCount,
      cause: .leaf)
    try memory.submit(&batch)
  }

  /// Whether the block at the beginning of an extent was a head of this node in an earlier state, and is another now.
  private func isOlderImage(_ node: TreeNode, _ older: MemoryDevice, _ memory: MemoryDevice) -> Bool {
    let count = node.extent.byteCount
    let before = older.peek(at: node.extent.offset, byteCount: count)
    if before == memory.peek(at: node.extent.offset, byteCount: count) { return false }
    let isHead = before[4] == 0x10 && before[5] == 0xB7 && before[6] == 16
    let number = (0..<8).reduce(0 as UInt64) { $0 | UInt64(before[24 + $1]) << UInt64(8 * $1) }
    return isHead && number == node.number && before[17] == UInt8(node.level)
  }

  /// Whether an extent of one unit held a section in an earlier state, and holds another now.
  private func isOlderSection(_ section: Extent, _ older: MemoryDevice, _ memory: MemoryDevice) -> Bool {
    let before = older.peek(at: section.offset, byteCount: section.byteCount)
    let now = memory.peek(at: section.offset, byteCount: section.byteCount)
    return section.byteCount == 4_096 && before[4] == 0x10 && before[5] == 0xB7 && before[6] == 17
      && before[14...15] != now[14...15]
  }

  @Test(arguments: ["log", "copy-on-write"], ["per-child", "shared"])
  func anOlderImageOfANodeOrASectionIsALostWrite(mode: String, layout: String) throws {
    var changes: [String: ParameterValue] = [
      "node_bytes": .integer(4_096), "fanout": .integer(4), "durability": .text(mode),
      "buffer_layout": .text(layout),
    ]
    if mode == "log" { changes["log_segment_bytes"] = .integer(64 << 10) }
    let bench = try Bench(changes, memoryByteCount: 1 << 20)
    var states: [MemoryDevice] = []
    var found: [String: Int] = [:]
    /// Puts an extent's older bytes in place, sees that it is noticed, and puts the newer ones back.
    func lose(_ extent: Extent, _ older: MemoryDevice, _ what: String) throws {
      let now = bench.memory.clone()
      try restore(extent, of: older, in: bench.memory)
      try bench.engine.dropCache()
      let error = #expect(throws: EngineError.self) { try bench.engine.verify() }
      #expect("\(error.map { "\($0)" } ?? "")".contains("a write to this place was lost"), "\(what)")
      try restore(extent, of: now, in: bench.memory)
      try bench.engine.dropCache()
      found[what, default: 0] += 1
    }
    for round in 0..<120 {
      for index in 0..<40 {
        try bench.engine.put(
          key(Int(draw(3, index * 7 + round) % 400)), [UInt8](repeating: UInt8(round), count: 60 + round % 40)
        )
      }
      try bench.engine.checkpoint()
      defer { states.append(bench.memory.clone()) }
      // One of each kind in a round.
      var tried: Set<String> = []
      let nodes = bench.engine.table.ring.filter { !$0.isDirty }
      let places = nodes.map { ($0, $0.extent, bench.engine.table.extent(ofSection: $0.sectionID)) }
      for (node, extent, section) in places {
        let what = node.isLeaf ? "leaf" : "inner node"
        if !tried.contains(what), let older = states.last(where: { isOlderImage(node, $0, bench.memory) }) {
          tried.insert(what)
          try lose(extent, older, what)
        }
        if let section, !tried.contains("section"),
          let older = states.last(where: { isOlderSection(section, $0, bench.memory) })
        {
          tried.insert("section")
          try lose(section, older, "section")
        }
      }
    }
    #expect(found["leaf", default: 0] > 5, "\(found)")
    #expect(found["inner node", default: 0] > 2, "\(found)")
    #expect(mode == "log" || found["section", default: 0] > 2, "\(found)")
    try bench.engine.verify()
  }

  @Test(arguments: ["log", "copy-on-write"])
  func anOlderLongValueIsALostWrite(mode: String) throws {
    let bench = try Bench(
      ["node_bytes": .integer(4_096), "durability": .text(mode)], memoryByteCount: 1 << 20)
    // The same length each time, so that only the birth tells them apart.
    var states: [MemoryDevice] = []
    var noticed = 0
    for round in 0..<30 {
      try bench.engine.put(key(1), [UInt8](repeating: UInt8(round), count: 6_000))
      try bench.engine.settle()
      defer { states.append(bench.memory.clone()) }
      let value = [UInt8](repeating: UInt8(round), count: 64)
      guard let place = place(of: value, in: bench.memory),
        let older = states.last(where: { state in
          let before = state.peek(at: place, byteCount: 96)
          return before[4] == 0x10 && before[6] == 18 && before != bench.memory.peek(at: place, byteCount: 96)
        })
      else { continue }
      let now = bench.memory.clone()
      let extent = Extent(offset: place, byteCount: 8_192)
      try restore(extent, of: older, in: bench.memory)
      try bench.engine.dropCache()
      let error = #expect(throws: EngineError.self) { try bench.engine.value(for: key(1)) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("a write to this place was lost"))
      try restore(extent, of: now, in: bench.memory)
      noticed += 1
    }
    #expect(noticed > 3)
    try bench.engine.verify()
  }

  /// The unit whose block's payload begins with these bytes.
  private func place(of bytes: [UInt8], in memory: MemoryDevice) -> UInt64? {
    for unit in 2..<400 as Range<UInt64> {
      let offset = unit * 4_096
      if Array(memory.peek(at: offset + 16, byteCount: bytes.count)) == bytes { return offset }
    }
    return nil
  }
}
