// Goal: the cache returns what was put in, evicts exactly the node used longest ago, never exceeds its capacity, writes
// each dirty node once, and is safe for parallel readers beside one writer.
// Method: scripted orders; random operations against a plain least-recently-used model, with every invariant checked
// after each; threads that verify the content of every node they hold while a writer evicts, changes and removes.

import Accounting
import Foundation
import Primitives
import Synchronization
import Testing

@testable import Storage

/// Records what it is given and keeps the bytes by id, as a device would.
final class RecordingWriter: NodeWriter {
  var batches: [[UInt64]] = []
  var offsets: [UInt64] = []
  var contents: [UInt64: UInt64] = [:]
  var failure: StorageError?

  func writeNodes(_ nodes: ContiguousArray<DirtyNode>) throws(StorageError) {
    if let failure { throw failure }
    batches.append(nodes.map(\.id))
    for node in nodes {
      offsets.append(node.offset)
      contents[node.id] = (node.frame.pointer + node.frameOffset).u64(0)
    }
  }

  var written: [UInt64] { batches.flatMap { $0 } }
}

/// What the threads of a stress test share.
final class StressState: @unchecked Sendable {
  // Sendable: the cache says itself what is safe; the rest is atomic or under a lock.
  let cache: NodeCache
  let writer = RecordingWriter()
  let wrong = Atomic<Int>(0)
  let held = Atomic<Int>(0)
  let refused = Atomic<Int>(0)
  let stops = Atomic<Bool>(false)
  let failure = Mutex<String?>(nil)
  let published: UnsafeMutablePointer<AtomicWord>
  let nameCount: Int

  init(cache: NodeCache, nameCount: Int = 1) {
    self.cache = cache
    self.nameCount = nameCount
    published = .allocate(capacity: nameCount)
    for index in 0..<nameCount { (published + index).initialize(to: AtomicWord()) }
  }

  deinit {
    published.deinitialize(count: nameCount)
    published.deallocate()
  }
}

@Suite struct NodeCacheTests {
  static let node = 4_096

  func makeCache(nodes: Int, shards: Int = 1, budget: MemoryBudget? = nil) throws -> (NodeCache, MemoryBudget)
  {
    let budget = budget ?? MemoryBudget(limitByteCount: 64 << 20)
    let cache = try NodeCache(
      capacityByteCount: nodes * Self.node, shardCount: shards, budget: budget, pool: FramePool())
    return (cache, budget)
  }

  func frame(_ cache: NodeCache, _ content: UInt64, units: Int = 1) -> Frame {
    let frame = cache.pool.frame(byteCount: units * Self.node)
    frame.pointer.setU64(0, content)
    frame.pointer.setU64(units * Self.node - 8, content)
    return frame
  }

  func put(_ cache: NodeCache, _ id: UInt64, content: UInt64? = nil, writer: RecordingWriter? = nil) throws {
    let content = content ?? id
    let lease = try cache.insert(
      id, frame: frame(cache, content), byteCount: Self.node, offset: id &* 4_096, writer: writer)
    #expect(lease.pointer.u64(0) == content)
  }

  func putDirty(_ cache: NodeCache, _ id: UInt64, writer: RecordingWriter? = nil) throws {
    _ = try cache.insertDirty(
      id, frame: frame(cache, id), byteCount: Self.node, offset: id &* 4_096, writer: writer)
  }

  func content(_ cache: NodeCache, _ id: UInt64) -> UInt64? {
    guard let lease = cache.hold(id) else { return nil }
    return lease.pointer.u64(0)
  }

  func content(_ cache: NodeCache, _ handle: NodeHandle, _ id: UInt64) -> UInt64? {
    guard let lease = cache.hold(handle, id: id) else { return nil }
    return lease.pointer.u64(0)
  }

  // MARK: Scripted

  @Test func hitsAndMisses() throws {
    let (cache, _) = try makeCache(nodes: 8)
    defer { withExtendedLifetime(cache) {} }
    #expect(content(cache, 5) == nil)
    try put(cache, 5)
    #expect(content(cache, 5) == 5)
    #expect(content(cache, 0) == nil)
    try put(cache, 0)
    try put(cache, .max)
    #expect(content(cache, 0) == 0 && content(cache, .max) == .max)
    // Whoever comes second gets the first one's node.
    do {
      let lease = try cache.insert(5, frame: frame(cache, 99), byteCount: Self.node, offset: 0)
      #expect(lease.pointer.u64(0) == 5 && lease.id == 5 && !lease.isDirty)
    }
    #expect(cache.statistics.nodeCount == 3)
    #expect(cache.contains(5) && !cache.contains(6))
  }

  @Test func victimsLeaveInOrderOfLastUse() throws {
    let (cache, _) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    for id in [1, 2, 3, 4] as [UInt64] { try put(cache, id) }
    // Order of use, oldest first: 3 1 4 2.
    for id in [3, 1, 4, 2] as [UInt64] { #expect(content(cache, id) == id) }
    var victims: [UInt64] = []
    var present: Set<UInt64> = [1, 2, 3, 4]
    for id in [5, 6, 7, 8] as [UInt64] {
      try put(cache, id)
      let gone = present.filter { !cache.contains($0) }
      victims += gone
      present.subtract(gone)
    }
    #expect(victims == [3, 1, 4, 2])
    #expect(cache.statistics.evictionCount == 4)
  }

  @Test func heldNodesAreNeverEvicted() throws {
    let (cache, _) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    for id in 1...4 as ClosedRange<UInt64> { try put(cache, id) }
    do {
      guard let held = cache.hold(1) else {
        Issue.record("node 1 is missing")
        return
      }
      for id in 10...40 as ClosedRange<UInt64> { try put(cache, id) }
      #expect(held.pointer.u64(0) == 1 && content(cache, 1) == 1)
    }
    // Everything held: no room, and nothing is taken.
    let other = try makeCache(nodes: 4).0
    defer { withExtendedLifetime(other) {} }
    for id in 1...4 as ClosedRange<UInt64> { try put(other, id) }
    do {
      guard let a = other.hold(1), let b = other.hold(2), let c = other.hold(3), let d = other.hold(4) else {
        Issue.record("a node is missing")
        return
      }
      #expect(
        throws: StorageError.outOfBudget(account: "frames", requestedByteCount: 4_096, availableByteCount: 0)
      ) {
        try put(other, 5)
      }
      #expect([a.id, b.id, c.id, d.id] == [1, 2, 3, 4])
    }
    try put(other, 5)
    #expect(content(other, 5) == 5)
  }

  @Test func largeNodesPushOutSeveral() throws {
    let (cache, _) = try makeCache(nodes: 8)
    defer { withExtendedLifetime(cache) {} }
    for id in 1...8 as ClosedRange<UInt64> { try put(cache, id) }
    let big = frame(cache, 100, units: 5)
    _ = try cache.insert(100, frame: big, byteCount: 5 * Self.node, offset: 0)
    #expect((1...8).filter { cache.contains(UInt64($0)) } == [6, 7, 8])
    #expect(cache.statistics.heldByteCount == 8 * Self.node)
    #expect(throws: StorageError.self) {
      _ = try cache.insert(101, frame: frame(cache, 101, units: 9), byteCount: 9 * Self.node, offset: 0)
    }
    // A node that can never fit pushes nobody out.
    #expect(cache.statistics.nodeCount == 4)
  }

  @Test func partsOfAFrameAreNodesOfTheirOwn() throws {
    let (cache, _) = try makeCache(nodes: 8)
    defer { withExtendedLifetime(cache) {} }
    let shared = frame(cache, 7, units: 2)
    shared.pointer.setU64(Self.node, 8)
    do {
      _ = try cache.insert(1, frame: shared, frameOffset: 0, byteCount: Self.node, offset: 0)
      var second = try cache.insert(
        2, frame: shared, frameOffset: Self.node, byteCount: Self.node, offset: 4_096)
      #expect(second.pointer.u64(0) == 8 && content(cache, 1) == 7)
      cache.makeWritable(&second)
      second.pointer.setU64(0, 9)
    }
    #expect(shared.pointer.u64(Self.node) == 8)
    #expect(content(cache, 2) == 9)
  }

  // MARK: Handles

  @Test func handlesFindTheirStayOnly() throws {
    let (cache, _) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    try put(cache, 1)
    guard let handle = cache.hold(1)?.handle else {
      Issue.record("node 1 is missing")
      return
    }
    #expect(content(cache, handle, 1) == 1)
    #expect(content(cache, handle, 2) == nil)
    #expect(content(cache, NodeHandle.none, 1) == nil)
    // Leaves, and comes back: perhaps in the same slot, never in the same stay.
    for id in 2...9 as ClosedRange<UInt64> { try put(cache, id) }
    #expect(content(cache, handle, 1) == nil)
    try put(cache, 1)
    #expect(content(cache, handle, 1) == nil)
    #expect(content(cache, 1) == 1)
    cache.remove(1)
    #expect(content(cache, handle, 1) == nil)
  }

  @Test func aHitThroughAHandleCountsAsUse() throws {
    let (cache, _) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    for id in 1...4 as ClosedRange<UInt64> { try put(cache, id) }
    guard let handle = cache.hold(1)?.handle else {
      Issue.record("node 1 is missing")
      return
    }
    for id in 2...4 as ClosedRange<UInt64> { #expect(content(cache, id) == id) }
    #expect(content(cache, handle, 1) == 1)
    try put(cache, 5)
    #expect(cache.contains(1) && !cache.contains(2))
  }

  // MARK: Dirty nodes

  @Test func aDirtyVictimIsWrittenOnce() throws {
    let (cache, budget) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    let writer = RecordingWriter()
    for id in 1...3 as ClosedRange<UInt64> { try putDirty(cache, id, writer: writer) }
    try put(cache, 4, writer: writer)
    #expect(budget.held(by: .dirty) == 3 * Self.node && budget.held(by: .frames) == Self.node)
    #expect(content(cache, 1) == 1)
    // Oldest first: 2, 3 (dirty, written), 4 (clean), 1 (dirty, written).
    for id in 5...8 as ClosedRange<UInt64> { try put(cache, id, writer: writer) }
    #expect(writer.batches == [[2], [3], [1]])
    #expect(writer.contents == [1: 1, 2: 2, 3: 3])
    #expect(try cache.flushDirty(writer) == 0)
    #expect(budget.held(by: .dirty) == 0 && cache.dirtyByteCount == 0)
    #expect(cache.statistics.writeBackCount == 3)
  }

  @Test func readersPassDirtyNodesOver() throws {
    let (cache, _) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    for id in 1...3 as ClosedRange<UInt64> { try putDirty(cache, id) }
    for id in 4...9 as ClosedRange<UInt64> { try put(cache, id) }
    #expect((1...9).filter { cache.contains(UInt64($0)) } == [1, 2, 3, 9])
    do {
      guard let held = cache.hold(9) else {
        Issue.record("node 9 is missing")
        return
      }
      #expect(throws: StorageError.self) { try put(cache, 10) }
      #expect(held.id == 9)
    }
  }

  @Test func heldDirtyNodesAreNotWrittenBack() throws {
    let (cache, _) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    let writer = RecordingWriter()
    for id in 1...4 as ClosedRange<UInt64> { try putDirty(cache, id, writer: writer) }
    do {
      guard let held = cache.hold(1) else {
        Issue.record("node 1 is missing")
        return
      }
      for id in 2...4 as ClosedRange<UInt64> { #expect(content(cache, id) == id) }
      for id in 5...7 as ClosedRange<UInt64> { try putDirty(cache, id, writer: writer) }
      #expect(writer.written == [2, 3, 4] && held.isDirty)
    }
    try cache.flushDirty(writer)
    #expect(writer.batches.last == [1, 5, 6, 7])
  }

  @Test func flushGoesInOrderOfOffset() throws {
    let (cache, budget) = try makeCache(nodes: 16, shards: 4)
    defer { withExtendedLifetime(cache) {} }
    let writer = RecordingWriter()
    for id in [7, 3, 9, 1] as [UInt64] { try putDirty(cache, id) }
    do {
      guard var lease = cache.hold(3) else {
        Issue.record("node 3 is missing")
        return
      }
      cache.setPlace(of: lease, offset: 1 << 40, tag: 5)
      cache.makeWritable(&lease)
      #expect(cache.tag(of: lease) == 5)
    }
    #expect(try cache.flushDirty(writer) == 4)
    #expect(writer.batches == [[1, 7, 9, 3]])
    #expect(writer.offsets.sorted() == writer.offsets)
    #expect(budget.held(by: .dirty) == 0)
    #expect(try cache.flushDirty(writer) == 0)
  }

  @Test func writeBackInBatches() throws {
    let (cache, _) = try makeCache(nodes: 8)
    defer { withExtendedLifetime(cache) {} }
    cache.writeBackByteCount = 3 * Self.node
    let writer = RecordingWriter()
    for id in [8, 7, 6, 5, 4, 3, 2, 1] as [UInt64] { try putDirty(cache, id, writer: writer) }
    try putDirty(cache, 20, writer: writer)
    // The three oldest, in order of offset; only one had to leave.
    #expect(writer.batches == [[6, 7, 8]])
    #expect(!cache.contains(8) && cache.contains(7))
  }

  @Test func afterAFailedWriteTheNodesAreStillDirty() throws {
    let (cache, budget) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    let writer = RecordingWriter()
    for id in 1...4 as ClosedRange<UInt64> { try putDirty(cache, id, writer: writer) }
    writer.failure = .poisoned(by: "test")
    #expect(throws: StorageError.poisoned(by: "test")) { try cache.flushDirty(writer) }
    #expect(throws: StorageError.poisoned(by: "test")) { try put(cache, 5, writer: writer) }
    #expect(budget.held(by: .dirty) == 4 * Self.node)
    writer.failure = nil
    try put(cache, 5, writer: writer)
    #expect(writer.batches == [[1]])
    #expect(try cache.flushDirty(writer) == 3)
  }

  @Test func aFrameSharedWithTheDeviceIsCopiedBeforeAChange() throws {
    let (cache, budget) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    let device = frame(cache, 1)
    do {
      var lease = try cache.insert(1, frame: device, byteCount: Self.node, offset: 0)
      let before = lease.pointer
      cache.makeWritable(&lease)
      #expect(lease.pointer != before && lease.isDirty)
      lease.pointer.setU64(0, 2)
      // Private now: no second copy, no second entry in the account.
      let after = lease.pointer
      cache.makeWritable(&lease)
      #expect(lease.pointer == after)
    }
    #expect(device.pointer.u64(0) == 1)
    #expect(content(cache, 1) == 2)
    #expect(budget.held(by: .dirty) == Self.node)
  }

  @Test func aReaderKeepsTheBytesItHeldWhenTheFrameIsReplaced() throws {
    let (cache, _) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    let pool = cache.pool
    do {
      var shared: Frame? = frame(cache, 1)
      var writerLease = try cache.insert(1, frame: shared!, byteCount: Self.node, offset: 0)
      guard let readerLease = cache.hold(1) else {
        Issue.record("node 1 is missing")
        return
      }
      cache.makeWritable(&writerLease)
      writerLease.pointer.setU64(0, 2)
      shared = nil
      let others = (0..<8).map { _ in pool.frame(byteCount: Self.node, zeroed: true) }
      #expect(readerLease.pointer.u64(0) == 1 && others.count == 8)
    }
    // Afterwards the old frame goes back.
    try cache.flushDirty(RecordingWriter())
    #expect(pool.statistics.liveFrameCount == 1)
  }

  @Test func removedNodesAreGoneWhenTheLastLeaseEnds() throws {
    let (cache, budget) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    try putDirty(cache, 1)
    try put(cache, 2)
    do {
      guard let held = cache.hold(1) else {
        Issue.record("node 1 is missing")
        return
      }
      #expect(cache.remove(1) && cache.remove(2) && !cache.remove(2))
      #expect(content(cache, 1) == nil && held.pointer.u64(0) == 1)
      #expect(cache.statistics.doomedCount == 1 && cache.statistics.heldByteCount == Self.node)
      #expect(budget.held(by: .dirty) == 0)
      // The id is given out again while the old node is still held.
      try putDirty(cache, 1)
      #expect(content(cache, 1) == 1 && cache.statistics.nodeCount == 2)
    }
    for id in 10...13 as ClosedRange<UInt64> { try put(cache, id, writer: RecordingWriter()) }
    #expect(cache.statistics.doomedCount == 0)
    #expect(cache.statistics.heldByteCount == 4 * Self.node)
  }

  @Test(arguments: [true, false]) func copyOnWriteGivesANewIdentity(keepsOriginal: Bool) throws {
    let (cache, budget) = try makeCache(nodes: 4)
    defer { withExtendedLifetime(cache) {} }
    try put(cache, 1)
    guard let old = cache.hold(1) else {
      Issue.record("node 1 is missing")
      return
    }
    let oldPointer = old.pointer
    let new = try cache.copyOnWrite(old, to: 2, offset: 8_192, keepsOriginal: keepsOriginal)
    // Nobody else held the frame: it moves over when the original is not kept.
    #expect((new.pointer == oldPointer) == !keepsOriginal)
    new.pointer.setU64(0, 5)
    #expect(content(cache, 1) == (keepsOriginal ? 1 : nil))
    #expect(content(cache, 2) == 5 && new.isDirty)
    #expect(budget.held(by: .dirty) == Self.node)
    #expect(cache.statistics.nodeCount == (keepsOriginal ? 2 : 1))
  }

  @Test func dropCleanKeepsDirtyAndHeldNodes() throws {
    let (cache, _) = try makeCache(nodes: 8, shards: 2)
    defer { withExtendedLifetime(cache) {} }
    for id in 1...3 as ClosedRange<UInt64> { try put(cache, id) }
    try putDirty(cache, 4)
    do {
      guard let held = cache.hold(2) else {
        Issue.record("node 2 is missing")
        return
      }
      #expect(cache.dropClean() == 2)
      #expect((1...4).filter { cache.contains(UInt64($0)) } == [2, 4] && held.id == 2)
    }
    try cache.flushDirty(RecordingWriter())
    #expect(cache.dropClean() == 0)
    #expect(cache.pool.statistics.liveFrameCount == 0)
  }

  // MARK: Capacity

  @Test func theCapacityIsTakenFromTheBudgetAndGivenBack() throws {
    let budget = MemoryBudget(limitByteCount: 1 << 20)
    do {
      let capacity = NodeCache.capacity(fittingIn: 1 << 20)
      #expect(capacity > 1_000_000 && capacity < 1 << 20)
      let cache = try NodeCache(capacityByteCount: capacity, budget: budget, pool: FramePool())
      #expect(budget.held(by: .frames) == capacity && budget.held(by: .index) == cache.tableByteCount)
      #expect(throws: StorageError.self) {
        _ = try NodeCache(capacityByteCount: 4_096, budget: budget, pool: FramePool())
      }
      for id in 0..<UInt64(500) { try put(cache, id) }
      #expect(cache.statistics.heldByteCount <= capacity)
      try cache.setCapacity(100 * Self.node, writer: nil)
      #expect(cache.statistics.heldByteCount == 100 * Self.node)
      #expect(budget.held(by: .frames) == 100 * Self.node)
      #expect((400..<500).allSatisfy { cache.contains(UInt64($0)) })
      try cache.setCapacity(capacity, writer: nil)
      #expect(throws: StorageError.self) { try cache.setCapacity(2 << 20, writer: nil) }
      try putDirty(cache, 1)
    }
    #expect(budget.heldByteCount == 0)
  }

  // MARK: Against a model

  /// Least recently used, as plainly as it can be said.
  struct Model {
    struct Node {
      var content: UInt64
      var byteCount: Int
      var isDirty: Bool
    }
    var nodes: [UInt64: Node] = [:]
    var order: [UInt64] = []  // oldest first
    var written: [UInt64] = []
    var disk: [UInt64: UInt64] = [:]

    var byteCount: Int { nodes.values.reduce(0) { $0 + $1.byteCount } }

    mutating func use(_ id: UInt64) {
      order.removeAll { $0 == id }
      order.append(id)
    }

    mutating func drop(_ id: UInt64) {
      nodes[id] = nil
      order.removeAll { $0 == id }
    }

    mutating func makeRoom(_ byteCount: Int, capacity: Int, slots: Int, mayWrite: Bool) -> Bool {
      while self.byteCount + byteCount > capacity || nodes.count >= slots {
        guard let victim = order.first(where: { mayWrite || !nodes[$0]!.isDirty }) else { return false }
        if nodes[victim]!.isDirty {
          written.append(victim)
          disk[victim] = nodes[victim]!.content
          nodes[victim]!.isDirty = false
        }
        drop(victim)
      }
      return true
    }
  }

  @Test(arguments: [61, 62, 63, 64, 65] as [UInt64]) func behavesAsTheModel(seed: UInt64) throws {
    let random = CounterRandom(seed: seed, stream: 1)
    let capacityNodes = 6 + Int(random.uniform(below: 30, 0))
    let (cache, budget) = try makeCache(nodes: capacityNodes)
    defer { withExtendedLifetime(cache) {} }
    let capacity = capacityNodes * Self.node
    let writer = RecordingWriter()
    var model = Model()
    for step in 1...6_000 as ClosedRange<UInt64> {
      let id = random.uniform(below: 60, step, 1)
      let units = random.uniform(below: 8, step, 2) == 0 ? 3 : 1
      let isWriter = random.uniform(below: 3, step, 3) != 0
      switch random.uniform(below: 100, step, 4) {
      case 0..<40:
        #expect(content(cache, id) == model.nodes[id]?.content, "step \(step)")
        if model.nodes[id] != nil { model.use(id) }
      case 40..<70:
        // What a pager does: hold, or read and insert.
        if content(cache, id) != nil {
          model.use(id)
        } else {
          let stored = model.disk[id] ?? id
          let fits = model.makeRoom(
            units * Self.node, capacity: capacity, slots: capacityNodes, mayWrite: isWriter)
          do {
            _ = try cache.insert(
              id, frame: frame(cache, stored, units: units), byteCount: units * Self.node,
              offset: id &* 4_096,
              writer: isWriter ? writer : nil)
            #expect(fits, "step \(step)")
            model.nodes[id] = Model.Node(content: stored, byteCount: units * Self.node, isDirty: false)
            model.use(id)
          } catch {
            #expect(!fits, "step \(step): \(error)")
          }
        }
      case 70..<80:
        let fits: Bool
        model.drop(id)
        fits = model.makeRoom(units * Self.node, capacity: capacity, slots: capacityNodes, mayWrite: true)
        _ = try cache.insertDirty(
          id, frame: frame(cache, step, units: units), byteCount: units * Self.node, offset: id &* 4_096,
          writer: writer)
        #expect(fits)
        model.nodes[id] = Model.Node(content: step, byteCount: units * Self.node, isDirty: true)
        model.use(id)
      case 80..<92:
        if var lease = cache.hold(id) {
          cache.makeWritable(&lease)
          lease.pointer.setU64(0, step)
          model.use(id)
          model.nodes[id]!.content = step
          model.nodes[id]!.isDirty = true
        }
      case 92..<96:
        #expect(cache.remove(id) == (model.nodes[id] != nil))
        model.drop(id)
      case 96..<98:
        try cache.flushDirty(writer)
        for dirty in model.nodes.keys.sorted() where model.nodes[dirty]!.isDirty {
          model.written.append(dirty)
          model.disk[dirty] = model.nodes[dirty]!.content
          model.nodes[dirty]!.isDirty = false
        }
      default:
        if random.uniform(below: 10, step, 5) == 0 {
          cache.dropClean()
          for clean in model.nodes.keys.sorted() where !model.nodes[clean]!.isDirty { model.drop(clean) }
        }
      }
      let statistics = cache.statistics
      #expect(
        statistics.heldByteCount == model.byteCount && statistics.heldByteCount <= capacity, "step \(step)")
      #expect(statistics.peakByteCount <= capacity && statistics.nodeCount == model.nodes.count)
      let dirtyBytes = model.nodes.values.reduce(0) { $0 + ($1.isDirty ? $1.byteCount : 0) }
      #expect(budget.held(by: .dirty) == dirtyBytes && cache.dirtyByteCount == dirtyBytes)
      #expect(budget.held(by: .frames) == capacity - dirtyBytes)
      #expect(writer.written == model.written, "step \(step)")
      if step % 50 == 0 {
        for id in 0..<UInt64(60) {
          #expect(cache.contains(id) == (model.nodes[id] != nil), "step \(step) id \(id)")
        }
      }
    }
    #expect(writer.contents == model.disk)
    #expect(cache.pool.statistics.liveFrameCount == cache.statistics.nodeCount)
  }

  @Test func shardsAreIndependentAndKeepTheirShare() throws {
    let (cache, _) = try makeCache(nodes: 64, shards: 8)
    defer { withExtendedLifetime(cache) {} }
    for id in 0..<UInt64(5_000) {
      try put(cache, id)
      if id % 100 == 0 { #expect(cache.statistics.heldByteCount <= 64 * Self.node) }
    }
    #expect(cache.statistics.nodeCount == 64)
    // Within each shard the newest eight are there.
    var byShard: [Int: [UInt64]] = [:]
    for id in 0..<UInt64(5_000) { byShard[cache.shardIndex(NodeCache.hash(id)), default: []].append(id) }
    #expect(byShard.count == 8)
    for ids in byShard.values {
      for (position, id) in ids.enumerated() { #expect(cache.contains(id) == (position >= ids.count - 8)) }
    }
  }

  // MARK: Threads

  /// Runs the body once on each of `count` threads and waits for all.
  func inParallel(_ count: Int, _ body: @escaping (Int) -> Void) {
    struct Shared: @unchecked Sendable { let body: (Int) -> Void }
    let shared = Shared(body: body)
    let group = DispatchGroup()
    for index in 0..<count {
      group.enter()
      Thread {
        shared.body(index)
        group.leave()
      }.start()
    }
    group.wait()
  }

  @Test(arguments: [1, 4]) func readersNeverSeeAnotherNodesBytes(shards: Int) throws {
    // Every node holds its id at both ends. Six readers hold, check and insert on a miss in a cache far too small, so
    // that slots and frames are reused all the time.
    let (cache, _) = try makeCache(nodes: 32, shards: shards)
    defer { withExtendedLifetime(cache) {} }
    let state = StressState(cache: cache)
    func readerBody(_ thread: Int) {
      let random = CounterRandom(seed: 71, stream: UInt64(thread))
      var handles: [UInt64: NodeHandle] = [:]
      for step in 0..<UInt64(15_000) {
        let id = random.uniform(below: 100, step) + 1
        func check(_ lease: borrowing NodeLease) {
          let isRight =
            lease.pointer.u64(0) == id && lease.pointer.u64(Self.node - 8) == id && lease.id == id
            && lease.byteCount == Self.node
          if !isRight { state.wrong.wrappingAdd(1, ordering: .relaxed) }
          handles[id] = lease.handle
          state.held.wrappingAdd(1, ordering: .relaxed)
        }
        if let handle = handles[id], let lease = cache.hold(handle, id: id) {
          check(lease)
        } else if let lease = cache.hold(id) {
          check(lease)
        } else {
          do {
            check(try cache.insert(id, frame: frame(cache, id), byteCount: Self.node, offset: id))
          } catch {
            state.refused.wrappingAdd(1, ordering: .relaxed)
          }
        }
      }
    }
    inParallel(6) { readerBody($0) }
    #expect(state.wrong.load(ordering: .relaxed) == 0)
    #expect(state.held.load(ordering: .relaxed) + state.refused.load(ordering: .relaxed) == 90_000)
    #expect(cache.statistics.peakByteCount <= 32 * Self.node)
    #expect(cache.dropClean() == 0)
    #expect(cache.pool.statistics.liveFrameCount == 0)
  }

  @Test func oneWriterBesideReaders() throws {
    // The writer moves nodes to new ids (copy on write), removes the old ones, flushes and evicts; readers chase the ids
    // it publishes. A node is filled before its id is published, so whoever finds it by that id reads that id.
    let names = 16
    let (cache, budget) = try makeCache(nodes: 48, shards: 2)
    defer { withExtendedLifetime(cache) {} }
    let state = StressState(cache: cache, nameCount: names)
    for name in 0..<names {
      try putDirty(cache, UInt64(name + 1))
      state.published[name].word.store(UInt64(name + 1), ordering: .releasing)
    }
    func writerBody() throws {
      let random = CounterRandom(seed: 72, stream: 0)
      for step in 0..<UInt64(30_000) {
        let name = Int(random.uniform(below: UInt64(names), step))
        let id = state.published[name].word.load(ordering: .relaxed)
        let newID = UInt64(names) + 1 + step
        if let lease = cache.hold(id) {
          let new = try cache.copyOnWrite(
            lease, to: newID, offset: newID, keepsOriginal: step % 3 == 0, writer: state.writer)
          new.pointer.setU64(0, newID)
          new.pointer.setU64(Self.node - 8, newID)
        } else {
          _ = try cache.insertDirty(
            newID, frame: frame(cache, newID), byteCount: Self.node, offset: newID, writer: state.writer)
        }
        state.published[name].word.store(newID, ordering: .releasing)
        if step % 3 == 0 { cache.remove(id) }
        if step % 200 == 0 { try cache.flushDirty(state.writer) }
        if step % 1_000 == 0 { cache.dropClean() }
      }
    }
    inParallel(4) { thread in
      if thread == 0 {
        do { try writerBody() } catch { state.failure.withLock { $0 = "\(error)" } }
        state.stops.store(true, ordering: .releasing)
        return
      }
      let random = CounterRandom(seed: 73, stream: UInt64(thread))
      var step: UInt64 = 0
      while !state.stops.load(ordering: .acquiring) {
        step += 1
        let name = Int(random.uniform(below: UInt64(names), step))
        let id = state.published[name].word.load(ordering: .acquiring)
        guard let lease = cache.hold(id) else { continue }
        let isRight = lease.id == id && lease.pointer.u64(0) == id && lease.pointer.u64(Self.node - 8) == id
        if !isRight { state.wrong.wrappingAdd(1, ordering: .relaxed) }
      }
    }
    #expect(state.failure.withLock { $0 } == nil)
    #expect(state.wrong.load(ordering: .relaxed) == 0)
    try cache.flushDirty(state.writer)
    cache.dropClean()
    #expect(cache.statistics.nodeCount == 0 && cache.statistics.doomedCount == 0)
    #expect(budget.held(by: .dirty) == 0)
    #expect(cache.pool.statistics.liveFrameCount == 0)
  }
}
