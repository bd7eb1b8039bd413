// Goal: two moments in which a page leaves or seems to have left the cache behind the back of whoever is on the way to it, once
// mistakes, stay right: a page that is pushed out between two levels of a sorted batch takes only its own operations off the known
// way, and a page that a lookup without the lock missed is not read from the device while it is in the cache.
// Method: schedules made by hand instead of threads. The device is where a batch waits; a device that empties the cache while it
// reads does what readers on other threads do at that moment. A lookup that misses is what `load` is called after.

import Accounting
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

/// Does something during chosen reads.
private final class InterruptedDevice: BlockDevice {
  private let base: any BlockDevice
  var transferUnitByteCount: Int { base.transferUnitByteCount }
  var capacityByteCount: UInt64 { base.capacityByteCount }
  /// Called before each batch that reads interior pages.
  var duringInteriorReads: () -> Void = {}

  init(base: any BlockDevice) { self.base = base }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    if batch.pieces.contains(where: { $0.cause == .interior }) { duringInteriorReads() }
    try base.submit(&batch)
  }

  func control(_ operation: ControlOperation) throws(StorageError) { try base.control(operation) }
}

/// A page that stays in the cache while this lives.
private final class HeldPage {
  private var lease: NodeLease?
  init(_ lease: consuming NodeLease?) { self.lease = consume lease }
}

@Suite struct ScheduleTests {
  private static let keyCount = 36_000

  private func makeTree() throws -> (engine: BTreeEngine, device: InterruptedDevice) {
    let memory = MemoryDevice(capacityByteCount: 64 << 20)
    let device = InterruptedDevice(base: memory)
    let engine = try BTreeEngine.open(
      EngineEnvironment(
        channel: IOChannel(device: device, pool: memory.pool), budget: MemoryBudget(limitByteCount: 16 << 20),
        seed: 1, creates: true, syncEveryCommits: 0),
      parameters: Bench.entry().defaultParameters)
    for start in stride(from: 0, to: Self.keyCount, by: 1_000) {
      var batch = WriteBatch()
      for number in start..<(start + 1_000) { batch.put(key(number * 2), [UInt8](repeating: 1, count: 100)) }
      try engine.apply(batch, sync: false)
    }
    try engine.checkpoint()
    return (engine, device)
  }

  /// The pages right below the root, and a number in the range of each.
  private func interiors(_ engine: BTreeEngine) throws -> [(id: UInt64, number: Int)] {
    var path = TreePath()
    defer { path.truncate(to: 0) }
    _ = try path.pushRoot(engine.forest.main, engine.store)
    let root = path.leaf
    #expect(root.level == 2 && root.slotCount > 0)
    return withUnsafeTemporaryAllocation(byteCount: 8_192, alignment: 8) { memory in
      // Never nil: the memory has bytes.
      let target = memory.baseAddress.unsafelyUnwrapped
      return (0...root.slotCount).map { index in
        if index == 0 { return (root.child(0), 0) }
        var bytes = [UInt8](root.copyKey(index - 1, to: target).buffer)
        bytes += [UInt8](repeating: 0, count: 16 - bytes.count)
        return (root.child(index), bytes.reduce(0) { $0 << 8 | Int($1) } / 2 + 200)
      }
    }
  }

  @Test func aPagePushedOutBetweenTwoLevelsLosesOnlyItsOwnOperations() throws {
    let (engine, device) = try makeTree()
    for (warm, cold) in [(1, 0), (0, 1)] {
      let pages = try interiors(engine)
      #expect(pages.count > 1)
      try engine.dropCache()
      // One page is in memory when its level is looked at, the other is not, and while that one is read the first goes.
      _ = try engine.value(for: key(pages[warm].number * 2))
      let isThere = (
        warm: engine.store.cache.contains(pages[warm].id), cold: engine.store.cache.contains(pages[cold].id)
      )
      #expect(isThere.warm && !isThere.cold)
      var interruptions = 0
      device.duringInteriorReads = {
        interruptions += 1
        if interruptions == 1 { _ = engine.store.cache.dropClean() }
      }
      var batch = WriteBatch()
      for page in [pages[0], pages[1]] {
        for step in 0..<40 { batch.put(key((page.number + step) * 2 + 1), [UInt8](repeating: 2, count: 100)) }
      }
      try engine.apply(batch, sync: false)
      device.duringInteriorReads = {}
      // The page that went was read again, for its own operations.
      #expect(interruptions > 1)
      try engine.verify()
      for page in [pages[0], pages[1]] {
        for step in 0..<40 {
          let found = try engine.value(for: key((page.number + step) * 2 + 1))
          #expect(found?.first == 2, "page of number \(page.number), step \(step)")
        }
      }
      batch.removeAll()
      for page in [pages[0], pages[1]] {
        for step in 0..<40 { batch.delete(key((page.number + step) * 2 + 1)) }
      }
      try engine.apply(batch, sync: false)
      try engine.checkpoint()
    }
  }

  /// Deletes, because a leaf that does not have a key says nothing when it is to be removed: an operation that goes to a wrong leaf
  /// is lost without a sound, while one that puts an entry there soon finds no room and looks for its way anew.
  @Test(arguments: [0, 1, 2, 3], [0, 1, 2, 3])
  func anOperationWhoseWayIsLostDoesNotGoToTheLeafBefore(cold: Int, gone: Int) throws {
    let (engine, device) = try makeTree()
    let pages = try interiors(engine)
    #expect(pages.count > 3)
    if cold == gone { return }
    // All pages but one are in memory when their level is looked at; while that one is read, another goes.
    let held = pages.indices.prefix(4).filter { $0 != cold }
    try engine.dropCache()
    for page in held { _ = try engine.value(for: key(pages[page].number * 2)) }
    let store = engine.store
    #expect(!store.cache.contains(pages[cold].id) && store.cache.contains(pages[gone].id))
    var interruptions = 0
    device.duringInteriorReads = {
      interruptions += 1
      if interruptions > 1 { return }
      // What is held stays: everything else is pushed out but the page in question.
      let leases = held.filter { $0 != gone }.map { HeldPage(store.cache.hold(pages[$0].id)) }
      _ = store.cache.dropClean()
      withExtendedLifetime(leases) {}
    }
    var batch = WriteBatch()
    for page in pages.prefix(4) { for step in 0..<40 { batch.delete(key((page.number + step) * 2)) } }
    let before = engine.forest.main.entryCount
    try engine.apply(batch, sync: false)
    device.duringInteriorReads = {}
    #expect(interruptions > 1, "The page that went was read again.")
    #expect(before - engine.forest.main.entryCount == 160)
    for page in pages.prefix(4) {
      for step in 0..<40 {
        #expect(
          try engine.value(for: key((page.number + step) * 2)) == nil, "page of \(page.number), step \(step)")
      }
    }
    try engine.verify()
  }

  /// The invariant itself: whatever goes between two levels, each operation's stop is its leaf, or none.
  @Test func everyOperationHasItsStop() throws {
    let counts = try (0..<16).map { try stopsWhilePagesGo(seed: $0) }
    let lost = counts.filter { $0.lost > 0 }.count
    #expect(lost > 8, "pages went in \(lost) of 16 worlds")
  }

  private func stopsWhilePagesGo(seed: Int) throws -> (known: Int, lost: Int) {
    let (engine, device) = try makeTree()
    let store = engine.store
    let pages = try interiors(engine)
    try engine.dropCache()
    for index in pages.indices where draw(UInt64(seed), index) & 3 != 0 {
      _ = try engine.value(for: key(pages[index].number * 2))
    }
    let root = HeldPage(store.cache.hold(engine.forest.main.root))
    device.duringInteriorReads = {
      // Some of them go.
      let leases = pages.indices.map { index in
        HeldPage(draw(UInt64(seed), 100 + index) & 1 == 0 ? store.cache.hold(pages[index].id) : nil)
      }
      _ = store.cache.dropClean()
      withExtendedLifetime(leases) {}
    }
    var batch = WriteBatch()
    for index in 0..<400 {
      batch.delete(key(Int(draw(UInt64(seed), 1_000 + index) % UInt64(2 * Self.keyCount))))
    }
    var sorted = SortedBatch()
    sorted.fill(batch, 0..<batch.count)
    let route = BatchRoute()
    defer { route.deallocate() }
    try route.find(sorted, 0..<sorted.count, engine.forest.main, store)
    device.duringInteriorReads = {}
    var (known, lost) = (0, 0)
    for index in 0..<sorted.count {
      let stop = route.advance(to: index, store)
      if stop.leaf.id == 0 {
        lost += 1
        continue
      }
      known += 1
      var path = TreePath()
      _ = try path.seek(sorted[index].key, engine.forest.main, store)
      let isItsLeaf = path.last.pointee.id == stop.leaf.id
      path.truncate(to: 0)
      #expect(isItsLeaf, "seed \(seed), operation \(index)")
    }
    withExtendedLifetime(root) {}
    return (known, lost)
  }

  @Test func aMissedLookupFindsTheChangedPageUnderTheLock() throws {
    let (engine, _) = try makeTree()
    var batch = WriteBatch()
    for number in 0..<200 { batch.put(key(number * 2), [UInt8](repeating: 3, count: 100)) }
    batch.put(key(1), [UInt8](repeating: 3, count: 9_000))
    try engine.apply(batch, sync: false)
    let store = engine.store
    // The cache outlives what is held of it.
    defer { withExtendedLifetime(engine) {} }
    var path = TreePath()
    let first = key(1)
    try first.withUnsafeBytes { _ = try path.seek(Bytes($0), engine.forest.main, store) }
    let reads = store.counts.pointee.pagesRead
    // The changed pages of the way are on no device yet: whoever read them there would find what was there before.
    for depth in 0..<path.count {
      let entry = path.entries + depth
      let place =
        depth == 0
        ? PagePlace.root
        : PagePlace(childIndex: path.entries[depth - 1].childIndex, of: path.entries[depth - 1].page)
      let lease = try store.load(entry.pointee.id, level: entry.pointee.page.level, place, isWriter: true)
      let (isSame, isDirty) = (lease.pointer == entry.pointee.page.base, lease.isDirty)
      #expect(isSame && isDirty)
    }
    // Neither read-ahead, nor a value in an extent of its own.
    let parent = path.entries[path.count - 2].page
    try store.prefetch(0...1, of: parent, isWriter: false)
    let leaf = path.leaf
    let slot = try #require((0..<leaf.slotCount).first { leaf.hasOverflow($0) })
    let long = try store.hold(leaf.overflowReference(slot), isWriter: false)
    let byte = NodeStore.value(long, leaf.overflowReference(slot)).start.u8(0)
    #expect(byte == 3)
    #expect(store.counts.pointee.pagesRead == reads)
    path.truncate(to: 0)
  }
}
