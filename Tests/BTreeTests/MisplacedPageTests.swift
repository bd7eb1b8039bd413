// Goal (places): a page that is right in itself but not the one its parent leads to is noticed by every way of reading that may
// bring it into memory, read-ahead included, and never gets into the cache.
// Method: the canary's page, another leaf's entries sealed for this place with this page's birth, passes every check but the one
// against its parent's fences; it is put on the device below an engine whose cache is empty.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

@Suite struct MisplacedPageTests {
  /// A way to a leaf.
  enum Way: String, CaseIterable, Sendable {
    case get, getBatch, next, nextInReverse, showNext, seek, put, batchOfPuts, deleteBesideIt, deleteRange,
      snapshotScan, verify

    /// Goes there.
    func go(_ engine: BTreeEngine, _ keys: [Int], besideIt: [Int]) throws {
      switch self {
      case .get: _ = try engine.value(for: key(keys[0]))
      case .getBatch:
        var batch = ReadBatch()
        for number in [0, 1_000] + keys { batch.append(key(number)) }
        try engine.getBatch(batch) { _, _ in }
      case .next: _ = try engine.entries()
      case .nextInReverse: _ = try engine.entries(order: .reverse)
      case .showNext:
        let cursor = try engine.makeCursor(.all, .forward)
        try cursor.showNext(upTo: .max) { _, _ in }
      case .seek:
        let cursor = try engine.makeCursor(.all, .forward)
        try cursor.seek(to: key(keys[0]).span.bytes)
      case .put: try MisplacedPageTests.put(engine, [keys[0]])
      case .batchOfPuts: try MisplacedPageTests.put(engine, [0, 1_000, 2_000] + keys)
      case .deleteBesideIt:
        var batch = WriteBatch()
        for number in besideIt { batch.delete(key(number)) }
        try engine.apply(batch, sync: false)
      case .deleteRange:
        var batch = WriteBatch()
        batch.deleteRange(key(0), key(4_000))
        try engine.apply(batch, sync: false)
      case .snapshotScan: _ = try engine.makeSnapshot().entries()
      case .verify: try engine.verify()
      }
    }
  }

  static func put(_ engine: BTreeEngine, _ keys: [Int]) throws {
    var batch = WriteBatch()
    for number in keys { batch.put(key(number), [UInt8](repeating: 9, count: 100)) }
    try engine.apply(batch, sync: false)
  }

  /// The numbers of a leaf's keys.
  private static func numbers(_ page: NodePage) -> [Int] {
    withUnsafeTemporaryAllocation(byteCount: page.byteCount, alignment: 8) { memory in
      // Never nil: a page has bytes.
      let target = memory.baseAddress.unsafelyUnwrapped
      return (0..<page.slotCount).map { index in
        page.copyKey(index, to: target).buffer.reduce(0) { $0 << 8 | Int($1) }
      }
    }
  }

  @Test(arguments: Way.allCases)
  func aLeafOfAnotherPlaceIsNoticed(way: Way) throws {
    let bench = try Bench([:], memoryByteCount: 4 << 20)
    let engine = bench.engine
    // The cache outlives what is held of it.
    defer { withExtendedLifetime(engine) {} }
    try Self.put(engine, Array(0..<4_000))
    try engine.checkpoint()
    let store = engine.store
    var path = TreePath()
    let middle = key(2_000)
    try middle.withUnsafeBytes { _ = try path.seek(Bytes($0), engine.forest.main, store) }
    let parent = path.entries[path.count - 2].page
    let index = path.entries[path.count - 2].childIndex
    #expect(index > 1 && index + 1 < parent.slotCount)
    let id = path.last.pointee.id
    let extent = store.extent(id)
    let keys = Self.numbers(path.leaf)
    guard let otherLease = store.cache.hold(parent.child(index - 1)) else {
      Issue.record("the leaf before is in the cache")
      return
    }
    let other = NodePage(otherLease.pointer, otherLease.byteCount)
    let besideIt = Self.numbers(other)

    // The neighbour's page in this place, sealed as what the parent's pointer means.
    let frame = Frame(byteCount: extent.byteCount)
    frame.pointer.copyMemory(from: other.base, byteCount: extent.byteCount)
    BlockHeader.seal(
      frame.mutableBytes, volumeID: engine.volume.volumeID, offset: extent.offset, type: NodeStore.pageType,
      payloadByteCount: extent.byteCount - VolumeBlock.headerByteCount, level: .number(0),
      birth: PageID.birth(id))
    let forged = NodePage(frame.pointer, extent.byteCount)
    #expect(forged.problem(store.expectation(level: 0)) == nil)
    #expect(!PagePlace(childIndex: index, of: parent).fits(forged))
    path.truncate(to: 0)
    _ = consume otherLease
    try engine.dropCache()
    let channel = IOChannel(device: bench.memory, pool: bench.memory.pool)
    var batch = TransferBatch()
    batch.append(
      .write, offset: extent.offset, memory: .frame(frame, offset: 0), byteCount: extent.byteCount,
      cause: .verification)
    try channel.submit(&batch)

    // Twice: what was refused once is not trusted because it was read once.
    for _ in 0..<2 {
      #expect {
        try way.go(engine, keys, besideIt: Array(besideIt.dropLast()))
      } throws: { error in
        guard case .storage(.corrupted(_, let offset, let detail)) = error as? EngineError else {
          return false
        }
        return offset == extent.offset && detail.contains("fences")
      }
      let isInCache = store.cache.contains(id)
      #expect(!isInCache)
    }
  }
}
