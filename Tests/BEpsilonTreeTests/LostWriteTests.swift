// Goal: an older image of a node, right in every checksum, under the right number and in the right place, is not taken for the node:
// the write that should have replaced it was lost. The same of long values and of buffers in a section.
// Method: a small tree is written again and again, until places are used again by the same nodes; then the units of an earlier image
// are put back where a newer one lies. Whatever is read then answers with the lost write, and never with the older content; the
// same image with the newer one put back is sound again. Seeds are fixed.

import Accounting
import KeyValue
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

  @Test(arguments: ["log", "copy-on-write"])
  func anOlderImageOfANodeIsALostWrite(mode: String) throws {
    var changes: [String: ParameterValue] = [
      "node_bytes": .integer(4_096), "fanout": .integer(4), "durability": .text(mode),
    ]
    if mode == "log" { changes["log_segment_bytes"] = .integer(64 << 10) }
    let bench = try Bench(changes, memoryByteCount: 1 << 20)
    var states: [MemoryDevice] = []
    var found: Set<Bool> = []
    for round in 0..<60 {
      for index in 0..<40 {
        try bench.engine.put(
          key(Int(draw(3, index * 7 + round) % 400)), [UInt8](repeating: UInt8(round), count: 90))
      }
      try bench.engine.checkpoint()
      defer { states.append(bench.memory.clone()) }
      let nodes = bench.engine.table.ring.map { $0 }
      for node in nodes where !node.isDirty {
        guard let older = states.last(where: { isOlderImage(node, $0, bench.memory) }) else { continue }
        let now = bench.memory.clone()
        try restore(node.extent, of: older, in: bench.memory)
        try bench.engine.dropCache()
        let error = #expect(throws: EngineError.self) { try bench.engine.verify() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("a write to this place was lost"))
        try restore(node.extent, of: now, in: bench.memory)
        try bench.engine.dropCache()
        found.insert(node.isLeaf)
        break
      }
    }
    #expect(found.contains(true), "no leaf came to lie where it had been")
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
