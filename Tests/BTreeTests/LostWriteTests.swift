// Goal (lost writes): a write that the device acknowledged and dropped leaves the page that was there before, right in every
// other way; reading it answers with the place and both births, whatever kind of page it is and however its place was used.
// Method: a tree whose pages move to and fro between few places; one unit of a flush is dropped, the page in question is shown
// to be one that nothing but its birth tells from the right one, then it is read. A sweep drops every write of a story in turn.

import Accounting
import KeyValue
import Primitives
import Testing
import Trials

@testable import BTree
@testable import Storage

/// A tree of three levels on a device that drops writes when told to.
private struct ForgetfulBench {
  let memory: MemoryDevice
  let device: FaultDevice
  let engine: BTreeEngine

  static let keyCount = 6_000
  static let longKey = 3_333

  init(commit: String) throws {
    memory = MemoryDevice(capacityByteCount: 64 << 20)
    device = FaultDevice(base: memory)
    var parameters = Bench.entry().defaultParameters
    parameters["commit"] = .text(commit)
    engine = try BTreeEngine.open(
      EngineEnvironment(
        channel: IOChannel(device: device, pool: memory.pool), budget: MemoryBudget(limitByteCount: 16 << 20),
        seed: 1, creates: true, syncEveryCommits: 0),
      parameters: parameters)
    var batch = WriteBatch()
    for number in 0..<Self.keyCount { batch.put(key(number), [UInt8](repeating: 1, count: 100)) }
    batch.put(key(Self.longKey), [UInt8](repeating: 1, count: 6_000))
    try engine.apply(batch, sync: false)
    try engine.checkpoint()
    #expect(engine.forest.main.height == 2)
  }

  /// Overwrites keys with values of their lengths, so that every page keeps its fences.
  func overwrite(_ keys: [Int], _ value: UInt8) throws {
    var batch = WriteBatch()
    for number in keys {
      batch.put(key(number), [UInt8](repeating: value, count: number == Self.longKey ? 6_000 : 100))
    }
    try engine.apply(batch, sync: false)
  }

  /// The pages from the root to a key's leaf.
  func way(to number: Int) throws -> [UInt64] {
    var path = TreePath()
    let bytes = key(number)
    try bytes.withUnsafeBytes { _ = try path.seek(Bytes($0), engine.forest.main, engine.store) }
    let ids = (0..<path.count).map { path.entries[$0].id }
    path.truncate(to: 0)
    return ids
  }

  /// The reference to the long value.
  func longValue() throws -> OverflowReference {
    var path = TreePath()
    let bytes = key(Self.longKey)
    var found: OverflowReference?
    try bytes.withUnsafeBytes { bytes in
      _ = try path.seek(Bytes(bytes), engine.forest.main, engine.store)
      let (index, isFound) = path.leaf.find(Bytes(bytes))
      if isFound, path.leaf.hasOverflow(index) { found = path.leaf.overflowReference(index) }
    }
    path.truncate(to: 0)
    return try #require(found)
  }

  /// The places of all changed pages and long values, unit by unit, as one flush writes them.
  func unitsOfNextFlush() throws -> [UInt64] {
    let recorder = PlaceRecorder()
    #expect(throws: StorageError.self) { try engine.store.cache.flushDirty(recorder) }
    return recorder.units
  }

  /// Writes all changed pages; what would go to `offset` is dropped.
  func flush(dropping offset: UInt64) throws {
    let unit = try #require(try unitsOfNextFlush().firstIndex(of: offset))
    device.add(ScriptedFault(at: device.callCount, .lostUnit(number: UInt64(unit))))
    try engine.store.cache.flushDirty(engine.store)
  }

  /// The block at an extent, checksum verified; nil when there is none.
  func block(_ extent: Extent, _ type: BlockType) throws -> VolumeBlock? {
    do throws(StorageError) {
      return try engine.volume.readBlock(extent, type: type, cause: .verification)
    } catch {
      return nil
    }
  }
}

/// Notes what would be written, and refuses to.
private final class PlaceRecorder: NodeWriter {
  private(set) var units: [UInt64] = []
  func writeNodes(_ nodes: ContiguousArray<DirtyNode>) throws(StorageError) {
    for node in nodes {
      units += stride(from: 0, to: node.byteCount, by: 4_096).map { node.offset + UInt64($0) }
    }
    throw .closed
  }
}

@Suite struct LostWriteTests {
  /// Which page's write is lost.
  enum Victim: Int, CaseIterable, Sendable { case root, interior, leaf }

  /// Whether an error names a lost write at a place.
  private func names(_ error: any Error, _ offset: UInt64, _ births: [UInt16]) -> Bool {
    guard case .storage(.corrupted(_, let place, let detail)) = error as? EngineError else { return false }
    return place == offset && detail.contains("was lost") && births.allSatisfy { detail.contains("\($0)") }
  }

  @Test(arguments: Victim.allCases, ["path-copy", "log"])
  func aLostWriteOfAPageIsFoundWhenItIsRead(victim: Victim, commit: String) throws {
    let bench = try ForgetfulBench(commit: commit)
    let number = 2_000
    // Between two durable commits each page moves, and after two its old place is free: soon the places come round.
    for value in 2...9 as ClosedRange<UInt8> {
      try bench.overwrite([number], value)
      try bench.engine.checkpoint()
    }
    try bench.overwrite([number], 10)
    let id = try bench.way(to: number)[victim.rawValue]
    let extent = bench.engine.store.extent(id)
    let level = 2 - victim.rawValue
    try bench.flush(dropping: extent.offset)
    try bench.engine.checkpoint()

    // What lies there is the page as it was, and nothing but its birth says so.
    let block = try #require(try bench.block(extent, NodeStore.pageType))
    let page = NodePage(block.frame.pointer + block.frameOffset, block.byteCount)
    #expect(page.problem(bench.engine.store.expectation(level: level)) == nil)
    #expect(block.birth != PageID.birth(id))
    if victim == .root { #expect(PagePlace.root.fits(page)) }

    // Read by every way that leads there, again and again.
    let births = [block.birth, PageID.birth(id)]
    for _ in 0..<2 {
      try bench.engine.dropCache()
      let key = key(number)
      #expect { try bench.engine.value(for: key) } throws: { names($0, extent.offset, births) }
      #expect { try bench.engine.entries() } throws: { names($0, extent.offset, births) }
      #expect { try bench.overwrite([number], 11) } throws: { names($0, extent.offset, births) }
      #expect { try bench.engine.verify() } throws: { names($0, extent.offset, births) }
    }
    withExtendedLifetime(block.frame) {}
  }

  @Test func aLostWriteOfALongValueIsFoundWhenItIsRead() throws {
    let bench = try ForgetfulBench(commit: "path-copy")
    for value in 2...9 as ClosedRange<UInt8> {
      try bench.overwrite([ForgetfulBench.longKey], value)
      try bench.engine.checkpoint()
    }
    try bench.overwrite([ForgetfulBench.longKey], 10)
    let reference = try bench.longValue()
    let extent = bench.engine.store.extent(reference)
    // Both units of it.
    let units = try bench.unitsOfNextFlush()
    let unit = try #require(units.firstIndex(of: extent.offset))
    #expect(units[unit + 1] == extent.offset + 4_096)
    let old = try #require(try bench.block(extent, NodeStore.overflowType))
    let lost = NodeWriterWithout(bench.engine.store, extent.offset)
    try bench.engine.store.cache.flushDirty(lost)
    try bench.engine.checkpoint()
    #expect(old.birth != reference.birth && old.payloadByteCount == reference.byteCount)
    try bench.engine.dropCache()
    let longKey = key(ForgetfulBench.longKey)
    #expect { try bench.engine.value(for: longKey) } throws: {
      names($0, extent.offset, [old.birth, reference.birth])
    }
    #expect { try bench.engine.entries() } throws: { names($0, extent.offset, [old.birth]) }
    withExtendedLifetime(old.frame) {}
  }

  @Test func aPageThatWasWrittenIsNotWrittenAgainToItsPlace() throws {
    let bench = try ForgetfulBench(commit: "path-copy")
    let number = 2_000
    try bench.overwrite([number], 2)
    var last = try bench.way(to: number)
    var places: Set<UInt64> = []
    for value in 3...12 as ClosedRange<UInt8> {
      // Written because memory was needed, not to be durable: the pages are still newborn.
      try bench.engine.store.cache.flushDirty(bench.engine.store)
      for id in last { #expect(bench.engine.volume.isNewborn(bench.engine.store.extent(id))) }
      try bench.overwrite([number], value)
      let now = try bench.way(to: number)
      for (old, new) in zip(last, now) {
        #expect(PageID.start(old) != PageID.start(new) && PageID.birth(old) != PageID.birth(new))
      }
      // Without a write between, nothing moves.
      try bench.overwrite([number], value)
      #expect(try bench.way(to: number) == now)
      last = now
      places.insert(PageID.start(now[2]))
    }
    // The places come round: each was free again after the transaction that left it.
    #expect(places.count < 6)
    // So the last of several writes between two durable commits, to a place that has seen one, is not missed either.
    let leaf = bench.engine.store.extent(last[2])
    let older = try #require(try bench.block(leaf, NodeStore.pageType))
    try bench.flush(dropping: leaf.offset)
    try bench.engine.dropCache()
    let key = key(number)
    #expect { try bench.engine.value(for: key) } throws: {
      names($0, leaf.offset, [older.birth, PageID.birth(last[2])])
    }
    withExtendedLifetime(older.frame) {}
  }

  @Test func birthsGoOnAfterReopening() throws {
    let memory = MemoryDevice(capacityByteCount: 64 << 20)
    var births: Set<UInt16> = []
    for round in 0..<6 {
      let engine = try Bench.open(memory, [:], 8 << 20, creates: round == 0)
      var batch = WriteBatch()
      batch.put(key(1), [UInt8(round)])
      try engine.apply(batch, sync: false)
      #expect(births.insert(PageID.birth(engine.forest.main.root)).inserted)
      try engine.close()
    }
  }

  @Test func aBirthIsNeverNone() {
    var clock = BirthClock(number: .max)
    var seen: Set<UInt16> = []
    for _ in 0..<65_535 {
      #expect(clock.birth != 0)
      seen.insert(clock.birth)
      clock.advance()
    }
    #expect(seen.count == 65_535)
  }

  /// Every write of a story is dropped in turn: an error or the right answer, and an earlier commit only where the superblock or
  /// the end of the log did not arrive.
  @Test(arguments: CrashSafetyTests.settings, [0, 1])
  func everyLostWriteOfAStoryIsFoundOrDoesNotMatter(setting: Setting, syncEvery: Int) {
    var options = FaultOptions()
    options.maximumCallCount = 1
    options.capacityCount = 1
    options.maximumReadCount = 1
    options.unitsPerKind = 1
    options.bitsPerUnit = 1
    options.maximumLossCount = 400
    let script = TrialScript.story(
      seed: 47, batchCount: 12, syncEveryCommits: syncEvery, largestValueByteCount: 8_000)
    var subject = CrashSafetyTests.subject(setting, seed: 47, atom: 4_096)
    subject.memoryByteCount = 1 << 20
    let outcome = FaultSweep(subject, script: script, options: options).run()
    let isSound = outcome.isSound
    #expect(isSound, "\(outcome.failureCount): \(outcome.failures.first?.description ?? "")")
    let found = outcome.losses.reduce(0) { $0 + $1.tally.errorCount }
    #expect(found > 10, "\(outcome.losses)")
    for loss in outcome.losses where loss.kind != "superblock" && loss.kind != "log" {
      #expect(loss.tally.olderCount == 0 && loss.tally.unnoticedCount == 0, "\(loss)")
    }
  }
}

/// Writes everything but one node, and says that it did.
private final class NodeWriterWithout: NodeWriter {
  private let store: NodeStore
  private let offset: UInt64

  init(_ store: NodeStore, _ offset: UInt64) {
    self.store = store
    self.offset = offset
  }

  func writeNodes(_ nodes: ContiguousArray<DirtyNode>) throws(StorageError) {
    try store.writeNodes(ContiguousArray(nodes.filter { $0.offset != offset }))
  }
}
