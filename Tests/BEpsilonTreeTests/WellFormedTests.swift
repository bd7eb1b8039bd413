// Goal: after every batch, however small, every node has the form that B and ε give it: children, message bytes, entry bytes, head and
// image; for ε from 0 to 1, all flush policies, both layouts, both modes. Splits leave halves. A node too large is noticed by
// `verify`, and mended by settling when a failure left it.
// Method: `verify`'s own check (`TreeForm`) after each batch of one to three operations, through growth, change and decline; the root
// within one batch of its buffer. Nodes made too large by hand. Splits of random leaves, and of inner nodes of every width.
// Seeds are in the calls.

import KeyValue
import Primitives
import Storage
import Testing

@testable import BEpsilonTree

@Suite struct WellFormedTests {
  struct Form: Sendable, CustomStringConvertible {
    var epsilon: Double
    var policy: FlushPolicy
    var layout: BufferLayout
    var mode: DurabilityMode
    var description: String { "ε \(epsilon), \(policy.rawValue), \(layout.rawValue), \(mode.rawValue)" }

    var changes: [String: ParameterValue] {
      [
        "epsilon": .real(epsilon), "flush_policy": .text(policy.rawValue),
        "buffer_layout": .text(layout.rawValue), "durability": .text(mode.rawValue),
        "node_bytes": .integer(4_096), "entry_bytes": .integer(64),
      ]
    }
  }

  /// Every ε with every policy; each in one layout and the other mode in turn, so that all pairs occur.
  static let forms: [Form] = [0, 0.25, 0.4, 0.5, 0.6, 0.75, 1].enumerated().flatMap { row, epsilon in
    FlushPolicy.allCases.enumerated().flatMap { column, policy in
      BufferLayout.allCases.enumerated().map { place, layout in
        let mode: DurabilityMode = (row + column + place) % 2 == 0 ? .log : .copyOnWrite
        return Form(epsilon: epsilon, policy: policy, layout: layout, mode: mode)
      }
    }
  }

  @Test(arguments: forms)
  func everyNodeIsWellFormedAfterEverySmallBatch(form: Form) throws {
    let bench = try Bench(form.changes, memoryByteCount: 192 << 10)
    let engine = bench.engine
    let model = ReferenceModel(limits: engine.limits)
    var counter = 0
    func next(_ bound: Int) -> Int {
      counter += 1
      return Int(draw(81, counter) % UInt64(bound))
    }
    var largest = 0
    for round in 0..<220 {
      var batch = WriteBatch()
      // A start that fills some levels, then small ones: change, decline, growth.
      let count = round < 10 ? 40 : 1 + next(3)
      for _ in 0..<count {
        let name = key(next(2_000), byteCount: 8)
        switch round < 10 ? 0 : next(12) + (round / 60 % 2 == 1 ? 6 : 0) {
        case 0...5: batch.put(name, [UInt8](repeating: UInt8(round), count: next(round < 10 ? 120 : 700)))
        case 6: batch.append(name, [1, 2, 3])
        case 7: batch.patch(name, offset: UInt32(next(20)), [9])
        case 8: batch.add(name, 1)
        case 9...14: batch.delete(name)
        default:
          let start = next(2_000)
          batch.deleteRange(key(start, byteCount: 8), key(start + next(120), byteCount: 8))
        }
      }
      largest = 0
      for entry in batch.entries {
        // A range delete may be cut into one for each child, no longer than two keys.
        let copies = entry.kind == .deleteRange ? engine.settings.geometry.maximumChildCount : 1
        largest += copies * Cell.byteCount(key: entry.keyByteCount, operand: entry.operandByteCount)
      }
      try engine.apply(batch, sync: false)
      try model.apply(batch, sync: false)
      #expect(!engine.table.owesShape)
      let measure = try TreeChecker(engine.table).check()
      #expect(
        measure.rootContentByteCount <= engine.settings.geometry.bufferByteCount + largest, "round \(round)")
      if round % 73 == 72 {
        try engine.settle()
        _ = try TreeChecker(engine.table).check()
        #expect(try engine.entries() == model.entries())
      }
    }
    let counts = engine.table.counts.pointee
    #expect(engine.table.shape.height >= (form.epsilon < 0.6 ? 2 : 1))
    #expect(counts.leafSplits > 3 && counts.merges > 0)
    if form.epsilon < 0.6 { #expect(counts.innerSplits > 0 && counts.flushesToInner > 0) }
    try engine.verify()
  }

  /// The check can fail: every bound is broken once, by hand, and `verify` names the node.
  @Test func verifyNoticesANodeThatIsNotWellFormed() throws {
    let bench = try Bench(
      ["node_bytes": .integer(4_096), "fanout": .integer(4), "merge_threshold_percent": .integer(0)],
      memoryByteCount: 1 << 20)
    let engine = bench.engine
    for start in stride(from: 0, to: 3_000, by: 100) {
      var batch = WriteBatch()
      for index in start..<(start + 100) { batch.put(key(index), [UInt8](repeating: 1, count: 60)) }
      try engine.apply(batch, sync: false)
    }
    try engine.settle()
    let table = engine.table
    let root = try engine.writer.root()
    #expect(root.level >= 2)
    let inner = try table.wholeNode(root.parts[0].child, birth: 0, level: root.level - 1)
    func complaint() -> String {
      do throws(EngineError) {
        try engine.verify()
        return ""
      } catch { return "\(error)" }
    }
    #expect(complaint() == "")
    // Messages beyond B − F, about the first key.
    let buffer = engine.settings.geometry.bufferByteCount
    while inner.contentByteCount <= buffer {
      key(0).withUnsafeBytes {
        engine.writer.append(OperationKind.put.rawValue, Bytes($0), Bytes($0), to: inner, at: 0)
      }
    }
    table.recharge(inner)
    table.markDirty(inner)
    #expect(complaint().contains("its messages take") && complaint().contains("at most \(buffer)"))
    // After a failure that is known, it is no damage; settling mends it.
    table.owesShape = true
    #expect(complaint() == "")
    try engine.settle()
    #expect(!table.owesShape && complaint() == "")
  }

  /// What a failed split left too large is written, read again by its head alone, and split when the tree is settled.
  @Test(arguments: ["log", "copy-on-write"], [0, 25])
  func settlingSplitsALeafThatAFailureLeftTooLarge(mode: String, mergeThreshold: Int) throws {
    let changes: [String: ParameterValue] = [
      "node_bytes": .integer(32 << 10), "basement_bytes": .integer(4_096), "fanout": .integer(8),
      "durability": .text(mode), "merge_threshold_percent": .integer(mergeThreshold),
    ]
    var bench = try Bench(changes, memoryByteCount: 2 << 20)
    for start in stride(from: 0, to: 2_000, by: 100) {
      var batch = WriteBatch()
      for index in start..<(start + 100) { batch.put(key(4 * index), [UInt8](repeating: 1, count: 60)) }
      try bench.engine.apply(batch, sync: false)
    }
    try bench.engine.settle()
    let table = bench.engine.table
    let root = try bench.engine.writer.root()
    #expect(root.level == 1)
    root.pinCount += 1
    let leaf = try table.wholeNode(root.parts[1].child, birth: root.parts[1].birth, level: 0)
    leaf.pinCount += 1
    root.parts[1].child = table.beginChange(leaf)
    _ = table.beginChange(root)
    var added = 0
    while leaf.contentByteCount <= bench.engine.writer.leafCapacityByteCount {
      (root.pivots.keys[0] + [UInt8(added >> 8), UInt8(added & 255)]).withUnsafeBytes { name in
        [UInt8](repeating: 2, count: 60).withUnsafeBytes {
          bench.engine.writer.change(leaf, .put, Bytes(name), Bytes($0))
        }
      }
      added += 1
    }
    leaf.pinCount -= 1
    root.pinCount -= 1
    for node in [leaf, root] {
      table.recharge(node)
      table.markDirty(node)
    }
    table.owesShape = true
    try bench.engine.close()
    bench.engine = try Bench.open(bench.channel, changes, 2 << 20, creates: false)
    #expect(bench.engine.table.owesShape, "the root keeps it")
    try bench.engine.verify()
    try bench.engine.settle()
    #expect(!bench.engine.table.owesShape)
    try bench.engine.verify()
    #expect(try bench.engine.entries().count == 2_000 + added)
    try bench.engine.close()
    bench.engine = try Bench.open(bench.channel, changes, 2 << 20, creates: false)
    #expect(!bench.engine.table.owesShape)
    try bench.engine.verify()
  }

  /// A leaf that is too large falls into pieces none of which is smaller than half of one, less an entry.
  @Test(arguments: [4_096, 32_768])
  func splitLeavesAreHalfFull(nodeByteCount: Int) throws {
    let bench = try Bench(
      ["node_bytes": .integer(nodeByteCount), "basement_bytes": .integer(4_096), "epsilon": .real(0.5)],
      memoryByteCount: 8 << 20)
    let writer = bench.engine.writer
    let capacity = writer.leafCapacityByteCount
    for seed in 1...60 as ClosedRange<UInt64> {
      let leaf = try bench.engine.table.makeNode(level: 0, reserving: 8)
      leaf.appendPart(NodePart())
      leaf.pinCount += 1
      defer { leaf.pinCount -= 1 }
      // From just too large to five leaves at once.
      let wanted = capacity + 1 + Int(draw(seed, 0) % UInt64(seed % 2 == 0 ? 200 : 4 * capacity))
      var (index, largest) = (1, 0)
      while leaf.contentByteCount < wanted {
        let value = [UInt8](repeating: 1, count: Int(draw(seed, index) % 400))
        key(Int(draw(seed + 1_000, index) >> 2)).withUnsafeBytes { name in
          value.withUnsafeBytes { writer.change(leaf, .put, Bytes(name), Bytes($0)) }
        }
        largest = max(largest, Cell.byteCount(key: 16, operand: value.count))
        index += 1
      }
      bench.engine.table.recharge(leaf)
      var pieces: [SplitPiece] = []
      try writer.split(leaf, isAppend: false, into: &pieces)
      let sizes = ([leaf] + pieces.map(\.node)).map(\.contentByteCount)
      #expect(sizes.count >= 2)
      for size in sizes {
        #expect(size <= capacity && size >= capacity / 2 - largest, "seed \(seed): \(sizes) of \(capacity)")
      }
    }
  }

  /// Inner nodes of every width too large: no piece has less than half of F.
  @Test(arguments: [2, 3, 4, 9, 16])
  func splitInnerNodesAreHalfFull(fanout: Int) throws {
    let bench = try Bench(
      ["node_bytes": .integer(16_384), "fanout": .integer(fanout)], memoryByteCount: 8 << 20)
    let most = bench.engine.settings.geometry.maximumChildCount
    for width in (most + 1)...(4 * most + 3) {
      let node = try bench.engine.table.makeNode(level: 1, reserving: width)
      node.pinCount += 1
      defer { node.pinCount -= 1 }
      node.appendPart(NodePart(child: 1_000))
      for index in 1..<width {
        node.appendPart(NodePart(child: UInt64(1_000 + index)))
        node.pivots.append(key(index))
      }
      bench.engine.table.recharge(node)
      var pieces: [SplitPiece] = []
      try bench.engine.writer.split(node, isAppend: false, into: &pieces)
      let widths = ([node] + pieces.map(\.node)).map(\.partCount)
      #expect(widths.reduce(0, +) == width && widths.count >= 2)
      for part in widths { #expect(part <= most && part >= max(2, most / 2), "\(width): \(widths)") }
    }
  }
}
