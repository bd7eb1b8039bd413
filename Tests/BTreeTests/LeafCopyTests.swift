// Goal (R3, R7): leaves that are copied on the stage and sealed there end up as pages that were copied and sealed where they
// lie, whatever happens to them before they are written; and what is sealed is what was changed, not what lies there later.
// Method: twins, one of which does not use the stage, get the same transactions, failing ones among them, of every kind of
// operation; the devices must be the same byte for byte. In small caches, where pages leave in between, every checksum is
// checked. A canary changes a sealed page behind the tree's back and must be found.

import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

@Suite struct LeafCopyTests {
  /// Operation `index` of a seeded mix: mostly inserts of several sizes, overwrites, deletes, long values.
  private func add(
    _ seed: UInt64, _ index: Int, _ keyCount: UInt64, to transaction: inout BTreeTransaction
  ) throws(EngineError) {
    let number = Int(draw(seed, index) % keyCount)
    let byteCount: Int
    switch draw(seed &+ 1, index) % 16 {
    case 0, 1: return try transaction.delete(key(number))
    case 2: byteCount = Int(draw(seed &+ 2, index) % 800)
    case 3: byteCount = 2_000 + Int(draw(seed &+ 2, index) % 4_000)
    default: byteCount = 100
    }
    try transaction.put(key(number), [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: byteCount))
  }

  private func transact(_ bench: Bench, _ seed: UInt64, _ keyCount: UInt64, fails: Bool) throws {
    let count = 1 + Int(draw(seed, 7) % 150)
    do throws(EngineError) {
      try bench.engine.write { (transaction) throws(EngineError) in
        for index in 0..<count { try add(seed, index, keyCount, to: &transaction) }
        if draw(seed, 8) % 9 == 0 {
          let first = Int(draw(seed, 9) % keyCount)
          for number in first..<(first + 300) { try transaction.delete(key(number)) }
        }
        if fails { try transaction.put(key(1), [1], in: Array("missing".utf8)) }
      }
      #expect(!fails)
    } catch {
      #expect(fails, "\(error)")
    }
  }

  @Test(
    arguments: [(1, 4_096, false), (2, 4_096, true), (3, 8_192, false), (4, 16_384, true)]
      as [(UInt64, Int, Bool)])
  func theStageLeavesNoTrace(seed: UInt64, pageByteCount: Int, redistributes: Bool) throws {
    let changes: [String: ParameterValue] = [
      "checkpoint_operations": .integer(0), "checkpoint_bytes": .integer(0),
      "page_bytes": .integer(pageByteCount), "redistribution": .boolean(redistributes),
    ]
    let staged = try Bench(changes, memoryByteCount: 64 << 20)
    let plain = try Bench(changes, memoryByteCount: 64 << 20)
    plain.engine.writer.usesStage = false
    for round in 0..<120 {
      let roundSeed = seed &* 100_000 &+ UInt64(round)
      for bench in [staged, plain] { try transact(bench, roundSeed, 3_000, fails: false) }
      if round % 3 == 0 { try transact(staged, roundSeed &+ 50_000, 3_000, fails: true) }
      if round % 3 == 0 { try transact(plain, roundSeed &+ 50_000, 3_000, fails: true) }
      if round % 8 == 7 {
        for bench in [staged, plain] {
          try bench.engine.checkpoint()
          try bench.engine.dropCache()
        }
        #expect(staged.memory.contentHash() == plain.memory.contentHash(), "seed \(seed), round \(round)")
        for bench in [staged, plain] { try bench.engine.verify() }
      }
    }
    #expect(staged.engine.statistics().map(\.value) == plain.engine.statistics().map(\.value))
  }

  @Test(arguments: [11, 12, 13] as [UInt64])
  func pagesThatLeaveSmallCachesAreSealed(seed: UInt64) throws {
    let changes: [String: ParameterValue] = [
      "checkpoint_operations": .integer(0), "checkpoint_bytes": .integer(0),
    ]
    let bench = try Bench(changes, memoryByteCount: 1 << 20)
    for round in 0..<90 {
      let roundSeed = seed &* 100_000 &+ UInt64(round)
      try transact(bench, roundSeed, 20_000, fails: false)
      if round % 4 == 0 { try transact(bench, roundSeed &+ 50_000, 20_000, fails: true) }
      if round % 10 == 9 { try bench.engine.verify() }
      if round % 30 == 29 {
        try bench.engine.checkpoint()
        try bench.engine.dropCache()
        try bench.engine.verify()
      }
    }
  }

  @Test func sealedPagesAreCheckedAsTheyWereChanged() throws {
    let bench = try Bench(["checkpoint_operations": .integer(0), "checkpoint_bytes": .integer(0)])
    var batch = WriteBatch()
    for number in 0..<2_000 { batch.put(key(number), [UInt8](repeating: 1, count: 100)) }
    try bench.engine.apply(batch, sync: false)
    try bench.engine.checkpoint()
    batch.removeAll()
    for number in stride(from: 0, to: 2_000, by: 50) {
      batch.put(key(number), [UInt8](repeating: 2, count: 100))
    }
    try bench.engine.apply(batch, sync: false)
    let store = bench.engine.store
    var path = TreePath()
    let wanted = key(500)
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: wanted.count, alignment: 8)
    defer { bytes.deallocate() }
    bytes.copyBytes(from: wanted)
    let isThere = try path.seek(Bytes(UnsafeRawBufferPointer(bytes)), bench.engine.forest.main, store)
    #expect(isThere)
    let id = path.last.pointee.id
    path.truncate(to: 0)
    do {
      guard let lease = store.cache.hold(id) else {
        Issue.record("A page that was just changed is in the cache.")
        return
      }
      let (tag, isDirty) = (store.cache.tag(of: lease), lease.isDirty)
      #expect(tag == NodeStore.sealedTag)
      #expect(isDirty)
      // One bit of the gap: no reader of the page in memory notices.
      let page = NodePage(lease.pointer, lease.byteCount)
      #expect(page.gapByteCount > 0)
      page.base.setU8(page.cellStart - 1, 1)
    }
    try bench.engine.checkpoint()
    try bench.engine.dropCache()
    #expect(throws: EngineError.self) { try bench.engine.verify() }
  }
}
