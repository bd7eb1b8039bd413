// Goal: a hint beside a node never leads to another node than the one asked for, whatever happened since it was kept; rows of hints
// are for nodes with children as long as there are any, and are copied with them.
// Method: random lives of parents and children in a small cache (evictions, removals, copies under new ids, ids that come back), with
// hints kept for the right child, for another one, and never put right: each lookup by a hint is held against what was put in. The
// canary: read through the hints alone, the same life shows other nodes many times. Then threads, and a count of rows.

import Accounting
import Foundation
import Primitives
import Synchronization
import Testing

@testable import Storage

@Suite struct NodeHintTests {
  static let node = 4_096
  static let childrenPerNode = 8

  func makeCache(nodes: Int, shards: Int = 1, hintsPerNode: Int = Self.childrenPerNode) throws -> NodeCache {
    try NodeCache(
      capacityByteCount: nodes * Self.node, shardCount: shards, hintsPerNode: hintsPerNode,
      budget: MemoryBudget(limitByteCount: 64 << 20), pool: FramePool())
  }

  func frame(_ cache: NodeCache, _ content: UInt64) -> Frame {
    let frame = cache.pool.frame(byteCount: Self.node)
    frame.pointer.setU64(0, content)
    frame.pointer.setU64(Self.node - 8, content)
    return frame
  }

  func put(_ cache: NodeCache, _ id: UInt64) throws -> NodeLease {
    try cache.insert(id, frame: frame(cache, id), byteCount: Self.node, offset: id)
  }

  func putParent(_ cache: NodeCache, _ id: UInt64) throws -> NodeLease {
    try cache.insert(id, frame: frame(cache, id), byteCount: Self.node, offset: id, hasChildren: true)
  }

  func isRight(_ lease: borrowing NodeLease, _ id: UInt64) -> Bool {
    lease.id == id && lease.pointer.u64(0) == id && lease.pointer.u64(Self.node - 8) == id
      && lease.byteCount == Self.node
  }

  func finds(_ reader: borrowing CacheReader, _ hint: NodeHint, _ id: UInt64) -> Bool {
    guard let held = reader.hold(id, hint) else { return false }
    let right = isRight(held, id)
    #expect(right)
    return true
  }

  @Test func aHintFindsItsChildUntilTheChildMoves() throws {
    let cache = try makeCache(nodes: 64)
    defer { withExtendedLifetime(cache) {} }
    let reader = CacheReader(of: cache)
    let parent = try putParent(cache, 1)
    let word1 = cache.hint(forChild: 3, of: parent)
    #expect(word1 == .none)
    let found1 = finds(reader, .none, 7)
    #expect(!found1)
    do {
      let child = try put(cache, 7)
      cache.keepHint(forChild: 3, of: parent, foundAt: child)
    }
    let hint = cache.hint(forChild: 3, of: parent)
    let hits = reader.settled.statistics.hitCount
    do {
      guard let held = reader.hold(7, hint) else {
        Issue.record("the child is where the hint says")
        return
      }
      let right = isRight(held, 7)
      #expect(right && hint.likelyAddress == UnsafeRawPointer(held.pointer))
    }
    #expect(reader.settled.statistics.hitCount == hits + 1)
    // Another id at the same place of the parent, as after a split or a copy.
    let found2 = finds(reader, hint, 8)
    #expect(!found2)
    // Gone, and back in the place that another node had meanwhile.
    cache.remove(7)
    let found3 = finds(reader, hint, 7)
    #expect(!found3)
    _ = try put(cache, 9)
    _ = try put(cache, 7)
    let found4 = finds(reader, hint, 7)
    #expect(!found4 && cache.contains(7))
    // A child number beyond the row is no child's.
    let word2 = cache.hint(forChild: Self.childrenPerNode, of: parent)
    #expect(word2 == .none)
  }

  @Test(arguments: [1, 2, 3] as [UInt64], [1, 4]) func staleHintsNeverShowAnotherNode(
    seed: UInt64, shards: Int
  ) throws {
    let cache = try makeCache(nodes: 64, shards: shards)
    defer { withExtendedLifetime(cache) {} }
    let reader = CacheReader(of: cache)
    let random = CounterRandom(seed: seed, stream: 0)
    let parents: [UInt64] = [1, 2]
    var children: [UInt64: [UInt64]] = [:]
    for parent in parents { children[parent] = (0..<8).map { parent * 100 + $0 } }
    var followed = 0
    var refused = 0
    var misled = 0
    for step in 0..<UInt64(20_000) {
      func draw(_ purpose: UInt64, below limit: UInt64) -> UInt64 {
        random.uniform(below: limit, step &* 8 &+ purpose)
      }
      let parentID = parents[Int(draw(0, below: 2))]
      let index = Int(draw(1, below: 8))
      let parent = try reader.hold(parentID) ?? putParent(cache, parentID)
      guard let id = children[parentID]?[index] else { continue }
      switch draw(2, below: 10) {
      case 0: cache.remove(id)
      case 1: children[parentID]?[index] = 1_000 + step
      case 2: children[parentID]?.swapAt(index, Int(draw(3, below: 8)))
      case 3:
        // What nobody keeps hints for pushes others out.
        for other in 0..<(draw(3, below: 12)) where !cache.contains(50_000 + other) {
          _ = try put(cache, 50_000 + other)
        }
      case 4:
        // A hint for another child than the one it was kept for.
        if let other = children[parentID]?[Int(draw(3, below: 8))], let held = reader.hold(other) {
          cache.keepHint(forChild: index, of: parent, foundAt: held)
        }
      default:
        let hint = cache.hint(forChild: index, of: parent)
        if let held = reader.hold(id, hint) {
          followed += 1
          let right = isRight(held, id)
          #expect(right)
          continue
        }
        refused += 1
        // The pool's memory stays mapped: what a reader would see who trusted the hint.
        if let address = hint.likelyAddress, UnsafeMutableRawPointer(mutating: address).u64(0) != id {
          misled += 1
        }
        let held = try reader.hold(id) ?? put(cache, id)
        let right = isRight(held, id)
        #expect(right)
        if draw(4, below: 3) > 0 { cache.keepHint(forChild: index, of: parent, foundAt: held) }
      }
    }
    #expect(followed > 1_000 && refused > 500)
    #expect(misled > 300, "canary: hints must have been stale, or nothing was tried")
  }

  @Test func parentsHaveRowsAsLongAsThereAreAny() throws {
    // 64 slots are 64 words: eight rows of eight, with the last eight slots.
    let cache = try makeCache(nodes: 64)
    defer { withExtendedLifetime(cache) {} }
    #expect(cache.hintsPerShard == 64)
    let child = try put(cache, 1)
    func hasRow(_ id: UInt64, isParent: Bool = true) throws -> Bool {
      let parent =
        try cache.hold(id)
        ?? cache.insert(id, frame: frame(cache, id), byteCount: Self.node, offset: id, hasChildren: isParent)
      cache.keepHint(forChild: 2, of: parent, foundAt: child)
      return cache.hint(forChild: 2, of: parent) == NodeHint(of: child)
    }
    #expect(try !hasRow(2, isParent: false))
    for id in 10..<18 as Range<UInt64> { #expect(try hasRow(id)) }
    for id in 18..<22 as Range<UInt64> { #expect(try !hasRow(id)) }
    // What leaves the cache leaves its row to the next parent, not to others while there are other slots.
    cache.remove(12)
    cache.remove(15)
    #expect(try !hasRow(30, isParent: false))
    #expect(try hasRow(31) && hasRow(32))
    #expect(try !hasRow(33))
    // When nothing else is free, every slot is used.
    for id in 100..<200 as Range<UInt64> where !cache.contains(id) {
      _ = try put(cache, id)
      if cache.statistics.evictionCount > 0 { break }
    }
    #expect(cache.statistics.nodeCount == 64 && cache.statistics.heldByteCount == 64 * Self.node)
  }

  @Test func aCopyBeginsWithTheHintsOfItsOriginal() throws {
    let cache = try makeCache(nodes: 64)
    defer { withExtendedLifetime(cache) {} }
    let reader = CacheReader(of: cache)
    _ = try put(cache, 1)
    let child = try put(cache, 5)
    let original = try cache.insertDirty(
      10, frame: frame(cache, 10), byteCount: Self.node, offset: 10, hasChildren: true)
    cache.keepHint(forChild: 4, of: original, foundAt: child)
    let copy = try cache.copyOnWrite(original, to: 11, offset: 11, keepsOriginal: true)
    let hint = cache.hint(forChild: 4, of: copy)
    let isFound = finds(reader, hint, 5)
    #expect(isFound)
  }

  @Test func withoutHintsNothingIsKept() throws {
    let cache = try makeCache(nodes: 16, hintsPerNode: 0)
    defer { withExtendedLifetime(cache) {} }
    let parent = try putParent(cache, 1)
    let child = try put(cache, 2)
    cache.keepHint(forChild: 0, of: parent, foundAt: child)
    let word5 = cache.hint(forChild: 0, of: parent)
    #expect(word5 == .none)
    let hinted = try makeCache(nodes: 16)
    #expect(hinted.tableByteCount == cache.tableByteCount + 16 * 8)
  }

  @Test(arguments: [1, 4]) func threadsFollowEachOthersHints(shards: Int) throws {
    // Six readers share the hints of four parents whose children come and go in a cache far too small, while a seventh thread
    // removes nodes that others hold. Every node has its id at both ends.
    let cache = try makeCache(nodes: 48, shards: shards)
    defer { withExtendedLifetime(cache) {} }
    let wrong = Atomic<Int>(0)
    let followed = Atomic<Int>(0)
    func readerBody(_ thread: Int) {
      let random = CounterRandom(seed: 91, stream: UInt64(thread))
      let reader = CacheReader(of: cache)
      for step in 0..<UInt64(12_000) {
        let parentID = random.uniform(below: 4, step &* 3) + 1
        // Each child is the child of two places, so that hints are often of another one.
        let index = Int(random.uniform(below: 8, step &* 3 &+ 1))
        let id = parentID * 100 + (UInt64(index) + random.uniform(below: 2, step &* 3 &+ 2)) % 8 * 3
        do throws(StorageError) {
          let parent = try hold(reader, cache, parentID, hasChildren: true)
          if let held = reader.hold(id, cache.hint(forChild: index, of: parent)) {
            followed.wrappingAdd(1, ordering: .relaxed)
            if !isRight(held, id) { wrong.wrappingAdd(1, ordering: .relaxed) }
            continue
          }
          let held = try hold(reader, cache, id)
          if !isRight(held, id) { wrong.wrappingAdd(1, ordering: .relaxed) }
          cache.keepHint(forChild: index, of: parent, foundAt: held)
        } catch {
          // Everything in a shard may be held at once; that is no fault.
          continue
        }
      }
    }
    let group = DispatchGroup()
    struct Shared: @unchecked Sendable { let body: (Int) -> Void }
    let shared = Shared { thread in
      if thread < 6 { return readerBody(thread) }
      let random = CounterRandom(seed: 92, stream: 0)
      for step in 0..<UInt64(8_000) {
        cache.remove(
          (random.uniform(below: 4, step &* 2) + 1) * 100 + random.uniform(below: 8, step &* 2 &+ 1) * 3)
        if step % 64 == 0 { cache.remove(random.uniform(below: 4, step &* 2) + 1) }
      }
    }
    for thread in 0..<7 {
      group.enter()
      Thread {
        shared.body(thread)
        group.leave()
      }.start()
    }
    group.wait()
    #expect(wrong.load(ordering: .relaxed) == 0)
    #expect(followed.load(ordering: .relaxed) > 0)
    cache.dropClean()
    #expect(cache.statistics.nodeCount == 0 && cache.pool.statistics.liveFrameCount == 0)
  }

  private func hold(
    _ reader: borrowing CacheReader, _ cache: NodeCache, _ id: UInt64, hasChildren: Bool = false
  ) throws(StorageError) -> NodeLease {
    if let held = reader.hold(id) { return held }
    return try reader.settled(for: id).insert(
      id, frame: frame(cache, id), byteCount: Self.node, offset: id, hasChildren: hasChildren)
  }
}
